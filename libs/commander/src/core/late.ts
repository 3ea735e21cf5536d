import type { JsonObject, Snapshot } from '#contracts';
import { Draft } from './draft.js';
import type { Transition } from './effects.js';
import { ignore } from './ignore.js';
import { isForeign, passOver } from './pass-over.js';

/**
 * What a person sent and nobody waits for: it was accepted, so the timeline tells that it came too late. What was never
 * accepted here is passed over if it is another program's; one of ours is a copy of what was applied long ago.
 */
export const tooLate = (before: Snapshot, id: string, told: JsonObject, now: number): Transition => {
  if (before.inbox?.some((sent) => sent.id === id) !== true)
    return isForeign(id) ? passOver(before, id, 'not_awaited', now) : ignore(before, 'not_awaited');
  const draft = Draft.open(before, id, now);
  draft.markApplied(id);
  draft.tell('observation', { ...told, refused: 'not_awaited' });
  return draft.commit();
};
