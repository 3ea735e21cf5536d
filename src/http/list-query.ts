import type { FastifyRequest } from 'fastify';
import { SESSION_STATUSES, type SessionStatus } from '#contracts';
import type { ListQuery } from '#state';
import { InvalidRequest } from './problem.js';
import { queryOf, tenantOf } from './request.js';
import { isDateTime, shown } from './validation.js';

export const MAX_LIST_LIMIT = 500;
export const DEFAULT_LIST_LIMIT = 50;
const MAX_CURSOR_CHARS = 1_024;
const METADATA = 'metadata.';
const NAMES = ['status', 'created_after', 'limit', 'cursor'];

const isStatus = (text: string): text is SessionStatus =>
  (SESSION_STATUSES as readonly string[]).includes(text);

type Refuse = (name: string, expected: string) => void;

/** How many entries a page of a list has. */
export const limitOf = (values: ReadonlyMap<string, string>, refuse: Refuse): number => {
  const text = values.get('limit');
  if (text === undefined) return DEFAULT_LIST_LIMIT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIST_LIMIT) refuse('limit', `a whole number from 1 to ${MAX_LIST_LIMIT}`);
  return limit;
};

/** Where a page of a list goes on. */
export const cursorOf = (values: ReadonlyMap<string, string>, refuse: Refuse): string | undefined => {
  const cursor = values.get('cursor');
  if (cursor !== undefined && (cursor === '' || cursor.length > MAX_CURSOR_CHARS))
    refuse('cursor', 'the `next_cursor` of the page before');
  return cursor;
};

/** The query of `GET /v1/sessions`. */
export const listQueryOf = (request: FastifyRequest): ListQuery => {
  const { values, problems } = queryOf(
    request,
    (name) => NAMES.includes(name) || (name.startsWith(METADATA) && name.length > METADATA.length),
    `${NAMES.join(', ')}, metadata.<key>`,
  );
  const refuse = (name: string, expected: string): void => {
    problems.push({ field: `query.${name}`, expected, came: shown(values.get(name)) });
  };
  const query: ListQuery = { tenant: tenantOf(request), limit: DEFAULT_LIST_LIMIT };
  const status = values.get('status');
  if (status !== undefined) {
    if (isStatus(status)) query.status = status;
    else refuse('status', `one of ${SESSION_STATUSES.join(', ')}`);
  }
  const createdAfter = values.get('created_after');
  if (createdAfter !== undefined) {
    if (isDateTime(createdAfter)) query.createdAfter = Date.parse(createdAfter);
    else refuse('created_after', 'a time as RFC 3339 has it, such as 2026-01-27T10:00:00Z');
  }
  query.limit = limitOf(values, refuse);
  const cursor = cursorOf(values, refuse);
  if (cursor !== undefined) query.cursor = cursor;
  const metadata = [...values].filter(([name]) => name.startsWith(METADATA));
  if (metadata.length > 0)
    query.metadata = Object.fromEntries(
      metadata.map(([name, value]) => [name.slice(METADATA.length), value]),
    );
  if (problems.length > 0) throw InvalidRequest.ofFields(problems);
  return query;
};
