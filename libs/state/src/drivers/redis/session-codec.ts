import {
  type HistoryEntry,
  isTerminal,
  RECORD_VERSION,
  type SessionFixed,
  type Snapshot,
  type StoredStatus,
  type StoredTimelineEntry,
} from '#contracts';
import { checkVersion } from '#redis';

type Head = Omit<Snapshot, 'fixed'>;

export const encodeFixed = (fixed: SessionFixed): string => JSON.stringify({ v: RECORD_VERSION, fixed });
export const encodeHead = (snapshot: Snapshot): string => JSON.stringify({ ...snapshot, fixed: undefined });

/** Null when one of them is missing. @throws DormouseError `newer_version` */
export const decodeSnapshot = (
  fixed: string | null | undefined,
  head: string | null | undefined,
): Snapshot | null => {
  if (typeof fixed !== 'string' || typeof head !== 'string') return null;
  const row = JSON.parse(fixed) as { v: number; fixed: SessionFixed };
  checkVersion(row.v, RECORD_VERSION, 'a session');
  const rest = JSON.parse(head) as Head;
  checkVersion(rest.v, RECORD_VERSION, 'a snapshot');
  return { ...rest, fixed: row.fixed };
};

/** @throws DormouseError `newer_version` */
export const decodeHistory = (text: string): HistoryEntry => {
  const entry = JSON.parse(text) as HistoryEntry;
  checkVersion(entry.v, RECORD_VERSION, 'a history entry');
  return entry;
};

/** @throws DormouseError `newer_version` */
export const decodeTimeline = (text: string): StoredTimelineEntry => {
  const entry = JSON.parse(text) as StoredTimelineEntry;
  checkVersion(entry.v, RECORD_VERSION, 'a timeline entry');
  return entry;
};

/** A name without spaces, tabs and newlines, as the texts below need it. */
export const plain = (name: string): string => encodeURIComponent(name);

/**
 * `<v> <1 if a cancel was asked for, else 0>` newline, then per pending intent `<id>` tab `<digest>` newline: a script
 * finds one intent in it without reading the rest.
 */
export const encodePending = ({ v, status, pending, cancel_requested }: Snapshot): string => {
  const lines = isTerminal(status)
    ? []
    : pending.map(({ intent_id, digest }) => `${plain(intent_id)}\t${digest}\n`);
  return `${v} ${cancel_requested === undefined ? 0 : 1}\n${lines.join('')}`;
};

/** `<status> <its own next wake-up, ms; empty: never>`: what the audit needs of a snapshot, without the rest. */
export const encodeAsleep = ({ status }: Snapshot, wakeAt: number | null): string =>
  `${status} ${wakeAt ?? ''}`;

/** Of a session that an earlier release wrote last, which says nothing of it, `ownAt` is null: it isn't known. */
export const decodeAsleep = (
  text: string | null | undefined,
): { status: StoredStatus | null; ownAt: number | null } => {
  const [status = '', ownAt = ''] = text?.split(' ') ?? [];
  return {
    status: status === '' ? null : (status as StoredStatus),
    ownAt: ownAt === '' ? null : Number(ownAt),
  };
};
