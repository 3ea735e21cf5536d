import type { HistoryEntry, JsonObject, StoredTimelineEntry, TimelineEntry } from '#contracts';

/** A timeline entry as clients see it: what the history holds of it joins the payload. */
export const presentEntry = (
  { seq, at, type, payload }: StoredTimelineEntry,
  held: HistoryEntry | undefined,
): TimelineEntry => ({
  seq,
  time: new Date(at).toISOString(),
  type,
  payload: held === undefined ? payload : ({ ...payload, ...joinedFields(held) } as JsonObject),
});

const joinedFields = (held: HistoryEntry): Record<string, unknown> =>
  held.kind === 'observation' ? { ...held.outcome } : { content: held.content };
