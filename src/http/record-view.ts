import { isUtf8 } from 'node:buffer';
import type { Json } from '#contracts';

/** A record's value as a client sees it: the JSON that it is, or its bytes in base64. */
export const shownRecord = (value: Buffer | null): { data: Json } | { data_base64: string } => {
  if (value === null) return { data: null };
  if (isUtf8(value)) {
    try {
      return { data: JSON.parse(value.toString('utf8')) as Json };
    } catch {
      // text, and no JSON
    }
  }
  return { data_base64: value.toString('base64') };
};
