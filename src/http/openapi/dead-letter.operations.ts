import {
  DeadLetterList,
  DeadLetterView,
  RedriveAnswer,
  RedriveManyRequest,
  RedriveRequest,
} from '#contracts';
import { type Answer, id, JSON_TYPE, type Operation, page, query, tenant } from './operation.js';

const deadLetter: Answer = { description: 'it', mediaType: JSON_TYPE, schema: DeadLetterView };

/** The calls of operators for records that nobody could process. */
export const DEAD_LETTER_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/dead-letters',
    id: 'listDeadLetters',
    tag: 'dead letters',
    summary: 'List records that nobody could process, newest first',
    description:
      'Those of the retention time. May lag by a second. A page may be shorter than `limit` although there is a `next_cursor`. The records themselves are left out.',
    parameters: [
      tenant,
      query('reason', 'only those with this reason', { type: 'string', minLength: 1 }),
      query('topic', 'only those from this topic', { type: 'string', minLength: 1 }),
      query('session_id', 'only those of this session', { type: 'string', minLength: 1 }),
      query('redriven', 'only those that were published again, or only those that were not', {
        type: 'boolean',
      }),
      ...page('dead letters'),
    ],
    answers: { 200: { description: 'a page', mediaType: JSON_TYPE, schema: DeadLetterList } },
    errors: ['invalid_cursor', 'unavailable'],
  },
  {
    method: 'get',
    path: '/v1/dead-letters/{id}',
    id: 'getDeadLetter',
    tag: 'dead letters',
    summary: 'Look at a dead letter, with its record as it was',
    parameters: [id, tenant],
    answers: { 200: deadLetter },
    errors: ['not_found', 'unavailable'],
  },
  {
    method: 'post',
    path: '/v1/dead-letters/{id}/redrive',
    id: 'redriveDeadLetter',
    tag: 'dead letters',
    summary: 'Publish its record again',
    description: 'The same record, to its topic and under its key. A session that it parked goes on.',
    parameters: [id, tenant],
    body: { mediaType: JSON_TYPE, schema: RedriveRequest, required: false },
    answers: { 202: deadLetter },
    errors: ['not_found', 'body_too_large', 'unsupported_media_type', 'unavailable'],
  },
  {
    method: 'post',
    path: '/v1/dead-letters/redrive',
    id: 'redriveDeadLetters',
    tag: 'dead letters',
    summary: 'Publish again all that match and were not published again yet',
    description: 'With `more` in the answer: the call stopped before the end, repeat it.',
    parameters: [tenant],
    body: { mediaType: JSON_TYPE, schema: RedriveManyRequest, required: true },
    answers: { 202: { description: 'which ones', mediaType: JSON_TYPE, schema: RedriveAnswer } },
    errors: ['body_too_large', 'unsupported_media_type', 'unavailable'],
  },
];
