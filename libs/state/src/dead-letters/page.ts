import type { DeadLetter } from '#contracts';
import { LOOKED_AT, timePart } from '../list-place.js';
import type { DeadLetterQuery, KeptDeadLetter } from './port.js';

/** How many a page looks at. */
export const shareOf = ({ limit, reason, topic, sessionId, redriven }: DeadLetterQuery): number =>
  (reason ?? topic ?? sessionId ?? redriven) === undefined ? limit : Math.max(limit, LOOKED_AT);

export const matches = ({ letter, redriven }: KeptDeadLetter, query: DeadLetterQuery): boolean =>
  (query.reason === undefined || letter.reason === query.reason) &&
  (query.topic === undefined || letter.topic === query.topic) &&
  (query.sessionId === undefined || letter.session_id === query.sessionId) &&
  (query.redriven === undefined || redriven.length > 0 === query.redriven);

/** `<time>|<letter>`: in the order of a list. */
export const placeIn = (at: DeadLetter['at'], part: string): string => `${timePart(at)}|${part}`;
