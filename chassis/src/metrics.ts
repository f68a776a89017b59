// Metrics in Prometheus form. One registry a process; a service's metrics carry its name as a label.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Latency buckets in seconds, from 1 ms to 10 s. */
export const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Labels = Readonly<Record<string, string>>;

/** A histogram whose label children are resolved once and kept, for code that records on every call. */
export interface HistogramFamily {
  /** The recorder of one combination of label values, in the order of the label names. */
  labels(...values: string[]): (seconds: number) => void;
}

export interface Metrics {
  /** Counts events: names end in `_total`. The first use of a name fixes its help text and label names. */
  count(name: string, help: string, labels?: Labels, by?: number): void;
  /** Records a duration in seconds: names end in `_seconds`. Buckets are those of calls unless others are given. */
  observe(name: string, help: string, seconds: number, labels?: Labels, buckets?: readonly number[]): void;
  /** Like `observe`, for hot paths: names end in `_seconds`. */
  histogram(name: string, help: string, labelNames: readonly string[]): HistogramFamily;
  /** Sets a value that goes up and down; undefined is no value: the series is told no more. */
  gauge(name: string, help: string, value: number | undefined, labels?: Labels): void;
  /** The exposition text. */
  text(): Promise<string>;
}

export interface MetricsOptions {
  /** Node's own metrics as well: event loop, heap, garbage collection. */
  readonly processMetrics: boolean;
  /** What is rolled out, as the label `version` of every metric: a canary is compared with what runs beside it. */
  readonly version?: string;
}

/** Every name gets the prefix `stoa_`. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  if (options.version !== undefined) registry.setDefaultLabels({ version: options.version });
  if (options.processMetrics) collectDefaultMetrics({ register: registry, prefix: 'stoa_' });
  const known = new Map<string, Counter | Gauge | Histogram>();
  const metric = <T extends Counter | Gauge | Histogram>(name: string, make: () => T): T => {
    let found = known.get(name) as T | undefined;
    if (found === undefined) {
      found = make();
      known.set(name, found);
    }
    return found;
  };
  const common = (name: string, help: string, labels: Labels) => ({
    name: `stoa_${name}`,
    help,
    labelNames: Object.keys(labels),
    registers: [registry],
  });
  return {
    count: (name, help, labels = {}, by = 1) =>
      metric(name, () => new Counter(common(name, help, labels))).inc(labels, by),
    observe: (name, help, seconds, labels = {}, buckets = LATENCY_BUCKETS) =>
      metric(name, () => new Histogram({ ...common(name, help, labels), buckets: [...buckets] })).observe(
        labels,
        seconds,
      ),
    histogram: (name, help, labelNames) => {
      const labels = Object.fromEntries(labelNames.map((label) => [label, '']));
      const found = metric(name, () => new Histogram({ ...common(name, help, labels), buckets: LATENCY_BUCKETS }));
      return { labels: (...values) => found.labels(...values).observe };
    },
    gauge: (name, help, value, labels = {}) => {
      const found = metric(name, () => new Gauge(common(name, help, labels)));
      if (value === undefined) found.remove(labels);
      else found.set(labels, value);
    },
    text: () => registry.metrics(),
  };
}
