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

const joinedFields = (held: HistoryEntry): Record<string, unknown> => {
  switch (held.kind) {
    case 'observation':
      return { ...held.outcome };
    case 'message':
    case 'brain':
      return { content: held.content };
    case 'resolution':
    case 'approval':
      // told in full by its own entry
      return {};
  }
};
