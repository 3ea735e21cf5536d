import { describe, expect, it } from '@jest/globals';
import { APIError } from 'openai';
import { faultOf } from './fault.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const answered = (status: number, headers: Record<string, string> = {}, error: object = { message: 'no' }) =>
  faultOf(APIError.generate(status, { error }, undefined, new Headers(headers)), NOW);

describe('faultOf', () => {
  it.each([
    [429, true],
    [500, true],
    [502, true],
    [503, true],
    [529, true],
    [408, true],
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [409, false],
    [413, false],
    [422, false],
  ])('status %i: retry %s', (status, retry) => {
    expect(answered(status)).toEqual({ retry, status, message: `${status} no` });
  });

  it('lets the server overrule the status', () => {
    expect(answered(409, { 'x-should-retry': 'true' }).retry).toBe(true);
    expect(answered(503, { 'x-should-retry': 'false' }).retry).toBe(false);
  });

  it('does not wait for an exhausted quota', () => {
    expect(answered(429, {}, { message: 'pay', code: 'insufficient_quota' }).retry).toBe(false);
    expect(
      answered(429, {}, { message: 'pay', type: 'insufficient_quota', code: 'credit_balance_exhausted' })
        .retry,
    ).toBe(false);
  });

  it('retries what never got an answer, and tells why', () => {
    const refused = Object.assign(new Error(''), { code: 'ECONNREFUSED' });
    const fault = faultOf(new TypeError('fetch failed', { cause: refused }), NOW);
    expect(fault).toEqual({ retry: true, message: 'fetch failed: ECONNREFUSED' });
    expect(faultOf('nonsense', NOW)).toEqual({ retry: true, message: 'nonsense' });
    expect(faultOf(undefined, NOW).retry).toBe(true);
  });

  it('does not retry an address that is none', () => {
    let error: unknown;
    try {
      new URL('not an address');
    } catch (thrown) {
      error = thrown;
    }
    expect(faultOf(error, NOW).retry).toBe(false);
  });

  it('cuts a long message', () => {
    expect(answered(500, {}, { message: 'x'.repeat(10_000) }).message.length).toBeLessThan(2010);
  });
});
