// What the exposition says beyond what is recorded.
import { createMetrics } from '@stoa/chassis/metrics';
import { describe, expect, it } from 'vitest';

describe('metrics', () => {
  it('carry the version of what is rolled out, every one of them', async () => {
    const metrics = createMetrics({ processMetrics: false, version: '1.2.3' });
    metrics.count('things_total', 'Things', { kind: 'a' });
    metrics.gauge('waiting', 'Waiting', 3);
    metrics.observe('work_seconds', 'Work', 0.002);
    const text = await metrics.text();
    expect(text).toContain('stoa_things_total{kind="a",version="1.2.3"} 1');
    expect(text).toContain('stoa_waiting{version="1.2.3"} 3');
    expect(text).toContain('stoa_work_seconds_count{version="1.2.3"} 1');
  });

  it('carry none where nothing is rolled out', async () => {
    const metrics = createMetrics({ processMetrics: false });
    metrics.count('things_total', 'Things');
    expect(await metrics.text()).toContain('stoa_things_total 1');
  });
});
