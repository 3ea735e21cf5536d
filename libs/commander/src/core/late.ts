import type { JsonObject, Snapshot } from '#contracts';
import { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { ignore } from './ignore.js';

/**
 * What a person sent and nobody waits for any more: it was accepted, so the timeline tells that it came too late. What
 * was never accepted here (another program's event) changes nothing.
 */
export const tooLate = (before: Snapshot, id: string, told: JsonObject, now: number): Transition => {
  if (before.inbox?.some((sent) => sent.id === id) !== true) return ignore(before, 'not_awaited');
  const draft = Draft.open(before, id, now);
  draft.markApplied(id);
  draft.tell('observation', { ...told, refused: 'not_awaited' });
  return draft.commit();
};
