import { ConfigError } from '@stoa/chassis/config';

/** Reads a whole number given on the command line; throws a sentence when it is none or out of range. */
export function readCount(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new ConfigError(`${option}: "${text}" must be a whole number from ${min} to ${max}`);
  }
  return value;
}
