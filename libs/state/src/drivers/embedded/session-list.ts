import type { Snapshot } from '#contracts';
import { keyPart, timePart, type View } from '#engine';
import { cursorOf, LOOKED_AT, placeOfCursor } from '../../list-place.js';
import type { ListPage, ListQuery } from '../../port.js';
import { type SessionReads } from './session-reads.js';
import { type SessionTables } from './session-rows.js';

/** One page of a tenant's sessions, newest first. @throws DormouseError `invalid_cursor` */
export const listPage = (
  view: View,
  tables: SessionTables,
  reads: SessionReads,
  query: ListQuery,
): ListPage => {
  const { tenant, status, metadata, createdAfter, limit, cursor } = query;
  const prefix = `${keyPart(tenant)}|`;
  // below the last one of the page before; `|` is above every digit
  const end = cursor === undefined ? '|' : placeOfCursor(cursor);
  const start = createdAfter === undefined ? '' : timePart(createdAfter + 1);
  const most = status === undefined && metadata === undefined ? limit : Math.max(limit, LOOKED_AT);
  const rows = view.range(tables.creations, {
    start: prefix + start,
    end: prefix + end,
    limit: most + 1,
    reverse: true,
  });

  const snapshots: Snapshot[] = [];
  for (const [i, { key, value }] of rows.entries()) {
    if (i === most || snapshots.length === limit) {
      const last = rows[i - 1]?.key ?? key;
      return { snapshots, nextCursor: cursorOf(last.slice(prefix.length)) };
    }
    const session = keyPart(value);
    if (status !== undefined && reads.line(view, session)?.status !== status) continue;
    const snapshot = reads.load(view, session);
    if (snapshot && matches(snapshot, metadata)) snapshots.push(snapshot);
  }
  return { snapshots };
};

const matches = ({ fixed }: Snapshot, wanted: Record<string, string> = {}): boolean =>
  Object.entries(wanted).every(([name, value]) => fixed.submission.metadata?.[name] === value);
