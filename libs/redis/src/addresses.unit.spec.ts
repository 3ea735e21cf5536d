import { describe, expect, it } from '@jest/globals';
import { parseAddresses } from './addresses.js';

describe('parseAddresses', () => {
  it.each([
    ['redis://redis', { host: 'redis', port: 6379, db: 0, tls: false }],
    ['redis://127.0.0.1:7000/3', { host: '127.0.0.1', port: 7000, db: 3, tls: false }],
    ['rediss://[::1]:7000', { host: '::1', port: 7000, db: 0, tls: true }],
    [
      'redis://ann:p%40ss@redis:1',
      { host: 'redis', port: 1, username: 'ann', password: 'p@ss', db: 0, tls: false },
    ],
    ['redis://:secret@redis', { host: 'redis', port: 6379, password: 'secret', db: 0, tls: false }],
  ])('%s', (url, address) => {
    expect(parseAddresses(url)).toEqual([address]);
  });

  it('takes several, with spaces between', () => {
    expect(parseAddresses('redis://a:1, redis://b:2,').map(({ host, port }) => `${host}:${port}`)).toEqual([
      'a:1',
      'b:2',
    ]);
  });

  it.each([
    ['', 'expected at least one address'],
    ['a:1', 'expected redis:// or rediss://'],
    ['http://a', 'expected redis:// or rediss://, got http://a'],
    ['redis://a/x', 'expected a number of a database'],
    ['redis://a/1,redis://b/1', 'has the database 0 only'],
  ])('refuses %j', (url, message) => {
    expect(() => parseAddresses(url)).toThrow(message);
  });

  it('does not repeat a password', () => {
    for (const url of ['http://ann:secret@a', 'redis://ann:secret@a/x', 'ann:secret@a b']) {
      let message = '';
      try {
        parseAddresses(url);
      } catch (error) {
        message = String(error);
      }
      expect(message).not.toBe('');
      expect(message).not.toContain('secret');
    }
  });
});
