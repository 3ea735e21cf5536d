/** A value in a sentence: its JSON, or what JavaScript calls it where it has none. */
export const shown = (value: unknown): string => {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  try {
    const text: unknown = JSON.stringify(value);
    return typeof text === 'string' ? text : String(value);
  } catch {
    return `a ${typeof value}`;
  }
};
