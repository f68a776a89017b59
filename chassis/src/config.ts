// Configuration: read once, typed, every problem told at once, secrets never printed.

type Kind = 'string' | 'integer' | 'boolean' | 'url';
type Value<K extends Kind> = K extends 'integer' ? number : K extends 'boolean' ? boolean : string;

/** One variable of the environment. */
export interface Setting<T = unknown> {
  readonly kind: Kind;
  readonly env: string;
  readonly help: string;
  /** What holds when the variable is absent; undefined with `required` false means the setting is then undefined. */
  readonly fallback: T | undefined;
  readonly required: boolean;
  readonly secret: boolean;
  /** Of an integer its value, of a string its length. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** Type only. */
  readonly value?: T;
}

export type ConfigSpec = Readonly<Record<string, Setting>>;
export type ConfigOf<Spec extends ConfigSpec> = {
  readonly [Key in keyof Spec]: Spec[Key] extends Setting<infer T> ? T : never;
};

interface SettingOptions {
  readonly help: string;
  readonly secret?: boolean;
  readonly min?: number;
  readonly max?: number;
}

function build<T>(kind: Kind, env: string, options: SettingOptions, fallback: T | undefined, required: boolean) {
  const { help, secret = false, min, max } = options;
  return { kind, env, help, secret, min, max, fallback, required } as Setting<T>;
}

/** A variable that must be set. */
export function required<K extends Kind>(kind: K, env: string, options: SettingOptions): Setting<Value<K>> {
  return build<Value<K>>(kind, env, options, undefined, true);
}

/** A variable with a value that holds when it is absent. */
export function withDefault<K extends Kind>(
  kind: K,
  env: string,
  fallback: Value<K>,
  options: SettingOptions,
): Setting<Value<K>> {
  return build<Value<K>>(kind, env, options, fallback, false);
}

/** A variable that may be absent. */
export function optional<K extends Kind>(kind: K, env: string, options: SettingOptions): Setting<Value<K> | undefined> {
  return build<Value<K> | undefined>(kind, env, options, undefined, false);
}

/** Names every problem of the environment in one message. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

function checkLength({ min = 0, max = Infinity }: Setting, text: string): void {
  if (text.length < min) throw new Error(`must have at least ${min} characters`);
  if (text.length > max) throw new Error(`must have at most ${max} characters`);
}

function parse(setting: Setting, text: string): unknown {
  switch (setting.kind) {
    case 'string':
      checkLength(setting, text);
      return text;
    case 'integer': {
      const value = Number(text);
      const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = setting;
      if (!/^-?\d+$/.test(text) || value < min || value > max) {
        throw new Error(`must be an integer from ${min} to ${max}`);
      }
      return value;
    }
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw new Error('must be true or false');
      return text === 'true';
    case 'url':
      if (!URL.canParse(text)) throw new Error('must be a URL');
      return text;
    default:
      return setting.kind satisfies never;
  }
}

/** Reads the settings of `spec`; throws one `ConfigError` that lists every missing or unreadable variable. */
export function readConfig<Spec extends ConfigSpec>(
  spec: Spec,
  env: Readonly<Record<string, string | undefined>>,
): ConfigOf<Spec> {
  const problems: string[] = [];
  const values = Object.entries(spec).map(([key, setting]) => {
    const text = env[setting.env];
    if (text === undefined || text === '') {
      if (setting.required) problems.push(`${setting.env} is not set (${setting.help})`);
      return [key, setting.fallback];
    }
    try {
      return [key, parse(setting, text)];
    } catch (error) {
      const shown = setting.secret ? 'its value' : JSON.stringify(text);
      problems.push(`${setting.env}: ${shown} ${(error as Error).message} (${setting.help})`);
      return [key, undefined];
    }
  });
  if (problems.length > 0) throw new ConfigError(`the configuration has problems:\n  ${problems.join('\n  ')}`);
  return Object.freeze(Object.fromEntries(values)) as ConfigOf<Spec>;
}

function withoutPassword(text: string): string {
  const url = new URL(text);
  if (url.password === '' && url.username === '') return text;
  url.username = '***';
  url.password = '';
  return url.href;
}

/** The configuration as it may be printed: secrets are masked, URLs lose their passwords. */
export function redactedConfig<Spec extends ConfigSpec>(spec: Spec, config: ConfigOf<Spec>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(spec).map(([key, setting]) => {
      const value = config[key];
      if (value !== undefined && setting.secret) return [key, '***'];
      if (setting.kind === 'url' && typeof value === 'string') return [key, withoutPassword(value)];
      return [key, value];
    }),
  );
}
