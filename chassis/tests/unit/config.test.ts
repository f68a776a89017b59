import { ConfigError, optional, readConfig, redactedConfig, required, withDefault } from '@stoa/chassis/config';
import { checkHostConfig, databaseVariable, hostConfig, readPeers } from '@stoa/chassis/host/host-config';
import { describe, expect, test } from 'vitest';

const spec = {
  secret: required('string', 'A_SECRET', { help: 'signs things', secret: true }),
  port: withDefault('integer', 'A_PORT', 80, { help: 'a port', min: 1, max: 100 }),
  isOn: withDefault('boolean', 'A_SWITCH', false, { help: 'a switch' }),
  url: optional('url', 'A_URL', { help: 'where it is' }),
};

function problemsOf(env: Record<string, string>): string {
  try {
    readConfig(spec, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error('it was expected to be refused');
}

describe('configuration', () => {
  test('is typed, with defaults where variables are absent or empty', () => {
    expect(readConfig(spec, { A_SECRET: 's', A_PORT: '', A_SWITCH: 'true' })).toEqual({
      secret: 's',
      port: 80,
      isOn: true,
      url: undefined,
    });
  });

  test('tells every problem at once, with the variable and what it is for', () => {
    const told = problemsOf({ A_PORT: '101', A_SWITCH: 'yes', A_URL: 'nowhere' });
    for (const part of ['A_SECRET is not set (signs things)', 'A_PORT: "101"', 'A_SWITCH: "yes"', 'A_URL: "nowhere"']) {
      expect(told).toContain(part);
    }
  });

  test.each(['x', '1.5', '0', '101', 'NaN', 'Infinity'])('refuses %o as an integer from 1 to 100', (text) => {
    expect(problemsOf({ A_SECRET: 's', A_PORT: text })).toContain('must be an integer from 1 to 100');
  });

  test('a string has the length that is asked for', () => {
    const words = { word: required('string', 'A_WORD', { help: 'a word', secret: true, min: 4, max: 6 }) };
    expect(readConfig(words, { A_WORD: 'four' })).toEqual({ word: 'four' });
    expect(() => readConfig(words, { A_WORD: 'two' })).toThrow(
      'A_WORD: its value must have at least 4 characters (a word)',
    );
    expect(() => readConfig(words, { A_WORD: 'seventh' })).toThrow(
      'A_WORD: its value must have at most 6 characters (a word)',
    );
  });

  test('never repeats the value of a secret', () => {
    const secrets = { key: required('integer', 'A_KEY', { help: 'a number', secret: true }) };
    expect(() => readConfig(secrets, { A_KEY: 'hunter2' })).toThrow(/A_KEY: its value must be an integer/);
  });

  test('cannot be changed', () => {
    expect(Object.isFrozen(readConfig(spec, { A_SECRET: 's' }))).toBe(true);
  });

  test('is printed without secrets and without the passwords of URLs', () => {
    const config = readConfig(spec, { A_SECRET: 's', A_URL: 'postgres://user:hunter2@db:5432/x' });
    expect(redactedConfig(spec, config)).toEqual({
      secret: '***',
      port: 80,
      isOn: false,
      url: 'postgres://***@db:5432/x',
    });
  });
});

describe('the host’s configuration', () => {
  const host = (env: Record<string, string>) => () => checkHostConfig(readConfig(hostConfig, env));

  test('needs nothing', () => {
    expect(host({})).not.toThrow();
  });

  test('refuses failpoints in production', () => {
    const failpoints = { STOA_FAILPOINTS: 'outbox.after_ack=kill' };
    expect(host(failpoints)).not.toThrow();
    expect(host({ ...failpoints, STOA_ENV: 'production' })).toThrow('STOA_FAILPOINTS must not be set in production');
  });

  test('names what a variable may be, for all of them at once', () => {
    const env = { STOA_IDENTITY: 'none', STOA_RETRIES: 'both', STOA_LOG_LEVEL: 'loud', STOA_ENV: 'test' };
    for (const name of Object.keys(env)) expect(host(env)).toThrow(new RegExp(`${name}: ".*" must be one of`));
  });

  test('reads where other services are', () => {
    expect([...readPeers(' orders=127.0.0.1:5001,cart=cart.svc:50051,')]).toEqual([
      ['orders', '127.0.0.1:5001'],
      ['cart', 'cart.svc:50051'],
    ]);
    expect(() => readPeers('orders')).toThrow('STOA_PEERS: cannot read "orders"');
    expect(() => readPeers('orders=here')).toThrow('write name=host:port');
  });

  test('names the variable of a database after it', () => {
    expect(databaseVariable('orders')).toBe('STOA_DATABASE_URL_ORDERS');
  });
});
