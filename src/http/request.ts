import type { FastifyRequest } from 'fastify';
import {
  DEFAULT_TENANT,
  DormouseError,
  type FieldProblem,
  IdempotencyKey,
  readTraceparent,
  SESSION_ID,
  Tenant,
} from '#contracts';
import type { Caller } from '#commander';
import { InvalidRequest } from './problem.js';
import { type Check, checkOf, shown } from './validation.js';

/*
 * The parts of a request that several calls share. Each reads one part, checks it, and raises InvalidRequest.
 */

const checkTenant = checkOf(Tenant);
const checkKey = checkOf(IdempotencyKey);

const headerOf = (request: FastifyRequest, name: string, label: string, check: Check): string | undefined => {
  const value = request.headers[name];
  if (value === undefined) return undefined;
  const problems = check(value);
  if (problems !== undefined)
    throw InvalidRequest.ofFields(problems.map((p) => ({ ...p, field: `header.${label}` })));
  return value as string;
};

/** Whose sessions the request may see. */
export const tenantOf = (request: FastifyRequest): string =>
  headerOf(request, 'dormouse-tenant', 'Dormouse-Tenant', checkTenant) ?? DEFAULT_TENANT;

export const idempotencyKeyOf = (request: FastifyRequest): string | undefined =>
  headerOf(request, 'idempotency-key', 'Idempotency-Key', checkKey);

export const sessionNotFound = (id: string): DormouseError =>
  new DormouseError(
    'not_found',
    `There is no session ${shown(id)} here; it may have expired, or belong to another tenant.`,
  );

/** The id in the path. What can't be an id of ours is no session: 404, as for one that isn't there. */
export const sessionIdOf = (request: FastifyRequest): string => {
  const { id } = request.params as { id: string };
  if (!SESSION_ID.test(id)) throw sessionNotFound(id);
  return id;
};

/** The query parameters. Those that the call doesn't have, and repeated ones, are among the problems instead. */
export const queryOf = (
  request: FastifyRequest,
  known: (name: string) => boolean,
  names: string,
): { values: Map<string, string>; problems: FieldProblem[] } => {
  const problems: FieldProblem[] = [];
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(request.query as Record<string, string | string[]>)) {
    const field = `query.${name}`;
    if (!known(name))
      problems.push({
        field,
        expected: names === '' ? 'no query' : `one of ${names}`,
        came: 'an unknown parameter',
      });
    else if (Array.isArray(value))
      problems.push({ field, expected: 'it once', came: `${value.length} times` });
    else values.set(name, value);
  }
  return { values, problems };
};

/** For a call without query parameters. */
export const refuseQuery = (request: FastifyRequest): void => {
  const { problems } = queryOf(request, () => false, '');
  if (problems.length > 0) throw InvalidRequest.ofFields(problems);
};

/** A longer state may be dropped. https://www.w3.org/TR/trace-context/#tracestate-limits */
const MAX_TRACESTATE = 512;

/** The trace that the caller is in. A broken header is ignored, as https://www.w3.org/TR/trace-context/ asks. */
export const callerOf = (request: FastifyRequest): { caller?: Caller } => {
  const { traceparent, tracestate } = request.headers;
  const parent = readTraceparent(traceparent);
  if (parent === undefined) return {};
  const state = typeof tracestate === 'string' ? tracestate.trim() : '';
  const kept = state !== '' && state.length <= MAX_TRACESTATE;
  return { caller: { ...parent, ...(kept ? { state } : {}) } };
};

/** A body in JSON that fits its schema. */
export const bodyOf = (request: FastifyRequest, check: Check): unknown => {
  const mediaType = request.headers['content-type'];
  if (mediaType !== undefined && !/^application\/json\s*(;|$)/i.test(mediaType))
    throw new DormouseError(
      'unsupported_media_type',
      `Expected a body of application/json; came ${JSON.stringify(mediaType)}.`,
    );
  const problems = check(request.body);
  if (problems !== undefined) throw InvalidRequest.ofFields(problems);
  return request.body;
};
