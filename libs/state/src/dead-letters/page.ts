import { type DeadLetter, DormouseError } from '#contracts';
import type { DeadLetterQuery, KeptDeadLetter } from './port.js';

/** Letters that a page looks at, however few match: what a page costs doesn't depend on the filter. */
export const LOOKED_AT = 500;
const PLACE = /^\d{15}\|[^|]+$/;

/** How many a page looks at. */
export const shareOf = ({ limit, reason, topic, sessionId, redriven }: DeadLetterQuery): number =>
  (reason ?? topic ?? sessionId ?? redriven) === undefined ? limit : Math.max(limit, LOOKED_AT);

export const matches = ({ letter, redriven }: KeptDeadLetter, query: DeadLetterQuery): boolean =>
  (query.reason === undefined || letter.reason === query.reason) &&
  (query.topic === undefined || letter.topic === query.topic) &&
  (query.sessionId === undefined || letter.session_id === query.sessionId) &&
  (query.redriven === undefined || redriven.length > 0 === query.redriven);

/** `<time>|<letter>`: in the order of a list. */
export const placeIn = (at: DeadLetter['at'], part: string): string =>
  `${String(at).padStart(15, '0')}|${part}`;

export const cursorOf = (place: string): string => Buffer.from(place).toString('base64url');

/** @throws DormouseError `invalid_cursor` */
export const placeOfCursor = (cursor: string): string => {
  const place = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!PLACE.test(place))
    throw new DormouseError(
      'invalid_cursor',
      'cursor: expected next_cursor of an earlier page, got something else',
    );
  return place;
};
