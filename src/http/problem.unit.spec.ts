import { describe, expect, it } from '@jest/globals';
import { DormouseError, ERROR_CODES, type ErrorCode } from '#contracts';
import { readinessOf } from './health/readiness.js';
import { InvalidRequest, problemOf } from './problem.js';

describe('an error over HTTP', () => {
  it.each<[ErrorCode, number]>([
    ['invalid_request', 400],
    ['invalid_plan', 400],
    ['invalid_cursor', 400],
    ['not_found', 404],
    ['method_not_allowed', 405],
    ['idempotency_conflict', 409],
    ['session_ended', 409],
    ['body_too_large', 413],
    ['unsupported_media_type', 415],
    ['no_brain', 422],
    ['overloaded', 429],
    ['unavailable', 503],
    ['closed', 503],
    ['internal', 500],
  ])('%s is a %i', (code, status) => {
    expect(problemOf(new DormouseError(code, 'why'))).toMatchObject({
      status,
      code,
      type: `urn:dormouse:problem:${code}`,
    });
  });

  it('is one of ours, or an internal one that says nothing of its inside', () => {
    for (const error of [
      new Error('secret'),
      'secret',
      null,
      undefined,
      { code: 'invalid_request' },
      new DormouseError('lease_lost', 'secret'),
    ]) {
      const problem = problemOf(error);
      expect(problem).toMatchObject({ status: 500, code: 'internal' });
      expect(JSON.stringify(problem)).not.toContain('secret');
    }
    for (const code of ERROR_CODES)
      expect(problemOf(new DormouseError(code, 'x')).status).toBeGreaterThanOrEqual(400);
  });

  it('names the fields, the session that exists, and what else is known', () => {
    const fields = [{ field: '/a', expected: 'b', came: 'c' }];
    expect(problemOf(InvalidRequest.ofFields(fields))).toMatchObject({
      detail: '/a: expected b; came c',
      fields,
    });
    const unavailable = new DormouseError('unavailable', 'later', {
      details: { session_id: 'sess-1', more: 1 },
    });
    expect(problemOf(unavailable)).toMatchObject({ session_id: 'sess-1', details: { more: 1 } });
  });
});

describe('readiness', () => {
  it('is told by all checks, and names what is wrong', async () => {
    const good = { name: 'good', check: () => Promise.resolve() };
    expect(await readinessOf([good])).toEqual({ status: 'ready', checks: [{ name: 'good', ok: true }] });
    const bad = { name: 'bad', check: () => Promise.reject(new Error('it is gone')) };
    expect(await readinessOf([good, bad])).toEqual({
      status: 'not_ready',
      checks: [
        { name: 'good', ok: true },
        { name: 'bad', ok: false, detail: 'it is gone' },
      ],
    });
  });

  it('is false when a check hangs', async () => {
    const hanging = { name: 'hanging', check: () => new Promise<void>(() => undefined) };
    expect(await readinessOf([hanging], 5)).toMatchObject({
      status: 'not_ready',
      checks: [{ name: 'hanging', ok: false }],
    });
  });
});
