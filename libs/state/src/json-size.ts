/** The longest that one UTF-16 unit of text can become in JSON: `\u0000`. */
const MOST_BYTES_PER_UNIT = 6;

/** A cheap measure, at least a sixth of the bytes; stops counting past `enough`. */
const measure = (value: unknown, enough: number): number => {
  if (typeof value === 'string') return value.length + 2;
  if (value === null || typeof value !== 'object') return 5;
  let size = 2;
  if (Array.isArray(value)) {
    for (const item of value) if ((size += 1 + measure(item, enough - size)) > enough) return size;
    return size;
  }
  for (const key in value) {
    size += key.length + 4 + measure((value as Record<string, unknown>)[key], enough - size);
    if (size > enough) return size;
  }
  return size;
};

/**
 * The bytes of a value's JSON if they are more than `limit`, else undefined. Nearly all values are far below their
 * limit: those are measured without being written out.
 */
export const bytesBeyond = (value: unknown, limit: number): number | undefined => {
  const surely = Math.floor(limit / MOST_BYTES_PER_UNIT);
  if (measure(value, surely) <= surely) return undefined;
  const bytes = Buffer.byteLength(JSON.stringify(value));
  return bytes > limit ? bytes : undefined;
};
