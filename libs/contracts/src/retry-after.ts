/** Headers, by names in lower case. */
export interface HeaderBag {
  get(name: string): string | null;
}

/**
 * How long the server asks to be left alone: `retry-after-ms`, else `Retry-After` in seconds or as a date
 * (RFC 9110, 10.2.3). Undefined when it says nothing that lies in the future.
 */
export const retryAfterMs = (headers: HeaderBag, nowMs: number): number | undefined => {
  const exact = decimal(headers.get('retry-after-ms'));
  if (exact !== undefined) return exact > 0 ? exact : undefined;
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const seconds = decimal(value);
  const ms = seconds === undefined ? Date.parse(value) - nowMs : seconds * 1000;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
};

const decimal = (value: string | null): number | undefined =>
  value !== null && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined;
