import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { clientAddress } from '../../src/http/request-facts.ts';

const from = (remoteAddress: string, forwarded?: string) =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage;
const direct = (address: string) => clientAddress(from(address), 0);

describe('a client is told apart by', () => {
  test('its IPv4 address, also in the form of IPv6', () => {
    for (const form of ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:c000:207', '0:0:0:0:0:ffff:192.0.2.7']) {
      expect(direct(form)).toBe('192.0.2.7');
    }
    expect(direct('192.0.2.8')).not.toBe(direct('192.0.2.7'));
  });

  test('its IPv6 network', () => {
    const same = ['2001:db8:0:1::1', '2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:DB8::1:0:0:0:9', '2001:db8:0:1::%eth0'];
    for (const form of same) expect(direct(form)).toBe('2001:db8:0:1::/64');
    expect(direct('2001:db8:0:2::1')).toBe('2001:db8:0:2::/64');
    expect(direct('::1')).toBe('0:0:0:0::/64');
    expect(direct('2001:db8::')).toBe('2001:db8:0:0::/64');
  });

  test('what our proxy saw, not by what it sent itself nor by what is no address', () => {
    expect(clientAddress(from('10.0.0.1', '203.0.113.9, 2001:db8::5'), 1)).toBe('2001:db8:0:0::/64');
    expect(clientAddress(from('10.0.0.1', '203.0.113.9, 198.51.100.4'), 1)).toBe('198.51.100.4');
    for (const text of ['', 'unknown', '1.2.3', '....', ':::', '1.2.3.4:80']) {
      expect(clientAddress(from('::ffff:10.0.0.1', text), 1)).toBe('10.0.0.1');
    }
  });

  test('nothing but the connection where no proxy of ours stands in front', () => {
    expect(clientAddress(from('10.0.0.1', '203.0.113.9'), 0)).toBe('10.0.0.1');
  });
});
