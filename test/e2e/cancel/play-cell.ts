import { expect } from '@jest/globals';
import { METRICS } from '#telemetry';
import { eventually } from '#testing';
import type { Cell } from './cells.js';
import type { Stage } from './stage.js';

/** Brings a session into the cell's state, cancels it, and looks at what became of it. */
export const playCell = async (stage: Stage, cell: Cell, compensate: boolean): Promise<void> => {
  const takeAway = await cell.prepare?.(stage);
  const id = await stage.submit(cell.submission);
  await cell.reached?.(stage, id);
  await stage.reaches(id, cell.status);
  const before = stage.journal(id).length;
  const earlier = await stage.cancels(id);
  expect(await stage.cancel(id, compensate)).toBe(202);
  await stage.cancelTold(id, earlier);
  await cell.then?.(stage, id);
  let session = await stage.rests(id);

  const expected = compensate ? cell.compensate : cell.plain;
  expect({ status: session.status, pending: session.pending }).toEqual({
    status: expected.status,
    pending: [],
  });
  await takeAway?.();
  // whatever a dispatcher still had of it is over
  await eventually(async () => (await stage.gauge(METRICS.tool.inFlight)) === 0, {
    what: 'nothing is under way',
  });
  if (expected.settled !== undefined) {
    await stage.settle(id);
    session = await stage.reaches(id, expected.settled.status);
  }
  const undone = [...(expected.undone ?? []), ...(expected.settled?.undone ?? [])];
  const all = stage.journal(id);
  const since = all.slice(before);
  expect(since.filter(({ at }) => at === 'begin').map(({ name }) => name)).toEqual(undone);
  expect(all.filter(({ at }) => at === 'aborted').map(({ name }) => name)).toEqual(expected.aborted ?? []);
  expect(all.some(({ name }) => name === 'after')).toBe(false);
  const undoing = all.findIndex(({ name }) => name.startsWith('undo '));
  const held = all.findLastIndex(({ name }) => name === 'held');
  if (cell.waitedFor === true && undoing >= 0) expect(held).toBeLessThan(undoing);

  expect(await stage.refusalOfCancel(id, compensate)).toEqual([409, 'session_ended']);
  const { entries } = await stage.timeline(id);
  expect(entries.at(-1)).toMatchObject({ type: 'status', payload: { status: session.status } });
};
