import type { FastifyRequest } from 'fastify';
import type { DeadLetterQuery } from '#state';
import { cursorOf, limitOf } from './list-query.js';
import { InvalidRequest } from './problem.js';
import { queryOf, tenantOf } from './request.js';
import { shown } from './validation.js';

const NAMES = ['reason', 'topic', 'session_id', 'redriven', 'limit', 'cursor'];

/** The query of `GET /v1/dead-letters`. */
export const deadLetterQueryOf = (request: FastifyRequest): DeadLetterQuery => {
  const { values, problems } = queryOf(request, (name) => NAMES.includes(name), NAMES.join(', '));
  const refuse = (name: string, expected: string): void => {
    problems.push({ field: `query.${name}`, expected, came: shown(values.get(name)) });
  };
  const text = (name: string): string | undefined => {
    const value = values.get(name);
    if (value === '') refuse(name, 'a text that is not empty');
    return value;
  };
  const query: DeadLetterQuery = { tenant: tenantOf(request), limit: limitOf(values, refuse) };
  const [reason, topic, sessionId] = [text('reason'), text('topic'), text('session_id')];
  if (reason !== undefined) query.reason = reason;
  if (topic !== undefined) query.topic = topic;
  if (sessionId !== undefined) query.sessionId = sessionId;
  const redriven = values.get('redriven');
  if (redriven === 'true' || redriven === 'false') query.redriven = redriven === 'true';
  else if (redriven !== undefined) refuse('redriven', 'true or false');
  const cursor = cursorOf(values, refuse);
  if (cursor !== undefined) query.cursor = cursor;
  if (problems.length > 0) throw InvalidRequest.ofFields(problems);
  return query;
};
