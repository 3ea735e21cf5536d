import { describe, expect, it } from '@jest/globals';
import {
  DormouseError,
  EFFECT_CLASSES,
  type EffectClass,
  NonRetryableError,
  RetryableError,
  UnknownOutcomeError,
} from '#contracts';
import type { AbortCause, Ending } from './ending.js';
import { type Judged, type Verdict, verdictOf } from './verdict.js';

const threw = (error: unknown, cause?: AbortCause): Ending => ({
  kind: 'threw',
  error,
  cause,
  heartbeat: undefined,
});
const timeout: Ending = {
  kind: 'timeout',
  cause: 'timeout',
  timeoutMs: 50,
  late: new Promise(() => undefined),
  heartbeat: undefined,
};
const coded = (code: string) => Object.assign(new Error('socket'), { code });

const judge = (ending: Ending, effect: EffectClass, attempt = 1): string => {
  const verdict = verdictOf({
    ending,
    effect,
    attempt,
    maxAttempts: 3,
    roomMs: undefined,
    resultLimitBytes: 1_000,
  });
  return verdict.kind === 'ended' ? verdict.status : verdict.kind;
};

/** What each ending means for pure, idempotent, compensatable and irreversible tools: the first of three attempts, and the last. */
const TABLE: [string, Ending, string[], string[]][] = [
  [
    'returned',
    { kind: 'returned', value: 1 },
    ['succeeded', 'succeeded', 'succeeded', 'succeeded'],
    ['succeeded', 'succeeded', 'succeeded', 'succeeded'],
  ],
  [
    'returned no JSON',
    { kind: 'returned', value: 1n },
    ['failed', 'failed', 'failed', 'failed'],
    ['failed', 'failed', 'failed', 'failed'],
  ],
  [
    'threw',
    threw(new Error('no')),
    ['retry', 'retry', 'failed', 'failed'],
    ['failed', 'failed', 'failed', 'failed'],
  ],
  [
    'threw a text',
    threw('no'),
    ['retry', 'retry', 'failed', 'failed'],
    ['failed', 'failed', 'failed', 'failed'],
  ],
  [
    'threw NonRetryableError',
    threw(new NonRetryableError('no')),
    ['failed', 'failed', 'failed', 'failed'],
    ['failed', 'failed', 'failed', 'failed'],
  ],
  [
    'threw RetryableError',
    threw(new RetryableError('no')),
    ['retry', 'retry', 'retry', 'retry'],
    ['failed', 'failed', 'failed', 'failed'],
  ],
  [
    'threw UnknownOutcomeError',
    threw(new UnknownOutcomeError('cut')),
    ['retry', 'retry', 'maybe_done', 'maybe_done'],
    ['failed', 'unknown', 'maybe_done', 'maybe_done'],
  ],
  [
    'threw an error of ours that no retry helps',
    threw(new DormouseError('result_too_large', 'x')),
    ['failed', 'failed', 'failed', 'failed'],
    ['failed', 'failed', 'failed', 'failed'],
  ],
  [
    'let a cut connection pass',
    threw(coded('ECONNRESET')),
    ['retry', 'retry', 'maybe_done', 'maybe_done'],
    ['failed', 'unknown', 'maybe_done', 'maybe_done'],
  ],
  [
    'let fetch fail, cut',
    threw(new TypeError('fetch failed', { cause: coded('UND_ERR_SOCKET') })),
    ['retry', 'retry', 'maybe_done', 'maybe_done'],
    ['failed', 'unknown', 'maybe_done', 'maybe_done'],
  ],
  [
    'let a refused connection pass',
    threw(coded('ECONNREFUSED')),
    ['retry', 'retry', 'failed', 'failed'],
    ['failed', 'failed', 'failed', 'failed'],
  ],
  [
    'ran into an abort of its own',
    threw(new DOMException('late', 'TimeoutError')),
    ['retry', 'retry', 'maybe_done', 'maybe_done'],
    ['failed', 'unknown', 'maybe_done', 'maybe_done'],
  ],
  [
    'timed out',
    timeout,
    ['retry', 'retry', 'maybe_done', 'maybe_done'],
    ['failed', 'unknown', 'maybe_done', 'maybe_done'],
  ],
  [
    'threw after a cancel',
    threw(new Error('stopped'), 'cancelled'),
    ['cancelled', 'cancelled', 'maybe_done', 'maybe_done'],
    ['cancelled', 'cancelled', 'maybe_done', 'maybe_done'],
  ],
  [
    'says after a cancel that nothing was done',
    threw(new RetryableError('stopped'), 'cancelled'),
    ['cancelled', 'cancelled', 'cancelled', 'cancelled'],
    ['cancelled', 'cancelled', 'cancelled', 'cancelled'],
  ],
  [
    'threw at a shutdown',
    threw(new Error('stopped'), 'shutdown'),
    ['given_back', 'given_back', 'maybe_done', 'maybe_done'],
    ['given_back', 'given_back', 'maybe_done', 'maybe_done'],
  ],
  [
    'says at a shutdown that nothing was done',
    threw(new RetryableError('stopped'), 'shutdown'),
    ['given_back', 'given_back', 'given_back', 'given_back'],
    ['given_back', 'given_back', 'given_back', 'given_back'],
  ],
  [
    'threw after its claim was lost',
    threw(new Error('stopped'), 'lost'),
    ['given_back', 'given_back', 'maybe_done', 'maybe_done'],
    ['given_back', 'given_back', 'maybe_done', 'maybe_done'],
  ],
  [
    'threw late, after its timeout',
    threw(new Error('stopped'), 'timeout'),
    ['retry', 'retry', 'maybe_done', 'maybe_done'],
    ['failed', 'unknown', 'maybe_done', 'maybe_done'],
  ],
];

describe('a run that', () => {
  it.each(TABLE)('%s', (_name, ending, first, last) => {
    expect(EFFECT_CLASSES.map((effect) => judge(ending, effect))).toEqual(first);
    expect(EFFECT_CLASSES.map((effect) => judge(ending, effect, 3))).toEqual(last);
  });

  const asking = (error: Error, over: Partial<Judged> = {}): Verdict =>
    verdictOf({
      ending: threw(error),
      effect: 'idempotent',
      attempt: 1,
      maxAttempts: 3,
      roomMs: 1_000,
      resultLimitBytes: 1,
      ...over,
    });

  it.each([
    ['nothing was done', new RetryableError('later', { afterMs: 700 }), 'irreversible'],
    ['it may have been done', new UnknownOutcomeError('later', { afterMs: 700 }), 'idempotent'],
  ] as const)('asks for a time is given it (%s)', (_name, error, effect) => {
    expect(asking(error, { effect })).toMatchObject({
      kind: 'retry',
      afterMs: 700,
      error: { retryable: true },
    });
    expect(asking(error, { effect, roomMs: undefined })).toMatchObject({ kind: 'retry', afterMs: 700 });
  });

  it.each([
    ['pure', new RetryableError('busy', { afterMs: 1_001 }), 'failed'],
    ['irreversible', new RetryableError('busy', { afterMs: 1_001 }), 'failed'],
    ['pure', new UnknownOutcomeError('busy', { afterMs: 1_001 }), 'failed'],
    ['idempotent', new UnknownOutcomeError('busy', { afterMs: 1_001 }), 'unknown'],
  ] as const)('of a %s tool asks for more than its deadline leaves is the last', (effect, error, status) => {
    const verdict = asking(error, { effect });
    expect(verdict).toMatchObject({
      kind: 'ended',
      status,
      error: {
        retryable: true,
        message: expect.stringMatching(/^busy; .* for 1001 ms, .* leaves 1000 ms/) as unknown,
      },
    });
  });

  it.each([Number.NaN, -1, Infinity, '700'])('asks for %p is tried again by the policy', (afterMs) => {
    const error = new RetryableError('later', { afterMs: afterMs as number });
    expect(asking(error)).toMatchObject({ kind: 'retry', afterMs: undefined });
  });
});
