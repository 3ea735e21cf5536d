import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { carryOf, readTraceparent, runSpanId, spanIdOf, stepSpanId, traceparent } from './trace.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('the id of a span', () => {
  it('has 16 hex digits, is never zero, and is the same for the same name', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(spanIdOf(name)).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
        expect(spanIdOf(name)).toBe(spanIdOf(name));
      }),
    );
  });

  it('differs between all that one trace may hold', () => {
    const names = new Set<string>();
    for (let session = 0; session < 20; session++)
      for (let step = 0; step < 200; step++) {
        const id = `sess-01JABCDEFGHJKMNPQRSTVWXY${String(session).padStart(2, '0')}`;
        names.add(stepSpanId(id, step));
        for (let attempt = 1; attempt <= 5; attempt++) names.add(runSpanId(`${id}.${step}.0`, attempt));
      }
    expect(names.size).toBe(20 * 200 * 6);
  });
});

describe('a traceparent', () => {
  it('is read as it is written', () => {
    expect(readTraceparent(traceparent(TRACE, SPAN))).toEqual({
      traceId: TRACE,
      spanId: SPAN,
      sampled: true,
    });
    expect(readTraceparent(traceparent(TRACE, SPAN, false))).toMatchObject({ sampled: false });
  });

  it('of a later version is read as far as it is known', () => {
    expect(readTraceparent(`cc-${TRACE}-${SPAN}-03-what-comes-later`)).toMatchObject({ sampled: true });
  });

  it.each([
    undefined,
    7,
    '',
    'not-a-trace',
    `00-${TRACE}-${SPAN}`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-011`,
  ])('%p is none', (text) => {
    expect(readTraceparent(text)).toBeUndefined();
  });
});

it('carries only what differs from the usual', () => {
  expect(carryOf(true, undefined)).toBeUndefined();
  expect(carryOf(false, undefined)).toEqual({ sampled: false });
  expect(carryOf(true, 'a=1')).toEqual({ state: 'a=1' });
});
