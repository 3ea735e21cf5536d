import { DormouseError } from '#contracts';

/** Entries that a page looks at, however few match: what a page costs doesn't depend on the filter. */
export const LOOKED_AT = 500;

/** Milliseconds with leading zeros: in order as text too. */
export const timePart = (ms: number): string => String(ms).padStart(15, '0');

const SHOWN_CHARS = 80;

/** `<time>|<id>`, of which the next page goes on below. */
const PLACE = /^\d{15}\|[^|]+$/;

export const cursorOf = (place: string): string => Buffer.from(place).toString('base64url');

/** @throws DormouseError `invalid_cursor` */
export const placeOfCursor = (cursor: string): string => {
  const place = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!PLACE.test(place)) throw invalidCursor(cursor);
  return place;
};

/** A cursor that no page gave; a long one is not said whole. */
export const invalidCursor = (cursor: string): DormouseError => {
  const field = 'query.cursor';
  const expected = 'the `next_cursor` of an earlier page';
  const came = JSON.stringify(cursor.length > SHOWN_CHARS ? `${cursor.slice(0, SHOWN_CHARS)}…` : cursor);
  return new DormouseError('invalid_cursor', `${field}: expected ${expected}; came ${came}`, {
    details: { fields: [{ field, expected, came }] },
  });
};
