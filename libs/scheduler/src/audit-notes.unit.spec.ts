import { describe, expect, it } from '@jest/globals';
import { type AuditNotes, NO_NOTES } from '#state';
import { afterLook, afterRepairs, finished, restLeft, SEEN_ALL } from './audit-notes.js';

const REST_MS = 10_000;
const passed = (startedAt: number, finishedAt: number): AuditNotes => ({
  pass: null,
  place: null,
  last: { startedAt, finishedAt, sessions: {}, repaired: {} },
});

describe('a pass', () => {
  it('adds up what its looks and repairs found, wherever they were made', () => {
    let notes = afterLook(NO_NOTES, { sessions: { queued: 2 }, violations: [], next: 'a' }, 100);
    notes = afterRepairs(notes, { missing: 2 }, 150);
    expect(notes).toMatchObject({ place: 'a', last: null });
    notes = afterLook(notes, { sessions: { queued: 1, parked: 1 }, violations: [], next: null }, 200);
    expect(notes.place).toBe(SEEN_ALL);
    notes = finished(afterRepairs(notes, { missing: 1, late: 1 }, 250), 300);
    expect(notes).toEqual({
      pass: null,
      place: null,
      last: {
        startedAt: 100,
        finishedAt: 300,
        sessions: { queued: 3, parked: 1 },
        repaired: { missing: 3, late: 1 },
      },
    });
  });
});

describe('the rest after a pass', () => {
  it('is none before the first, and in the middle of one', () => {
    expect(restLeft(NO_NOTES, 5, REST_MS)).toBe(0);
    const under = afterLook(passed(0, 1), { sessions: {}, violations: [], next: 'a' }, 2);
    expect(restLeft(under, 3, REST_MS)).toBe(0);
  });

  it.each([
    ['at least what is asked for', passed(0, 1_000), 4_000, 7_000],
    ['as long as the pass took', passed(0, 60_000), 70_000, 50_000],
    ['over in time', passed(0, 1_000), 11_000, 0],
    ['not longer when the clock was set back', passed(100_000, 101_000), 5_000, REST_MS],
  ])('is %s', (_name, notes, now, left) => {
    expect(restLeft(notes, now, REST_MS)).toBe(left);
  });
});
