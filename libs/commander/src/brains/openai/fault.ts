import { type HeaderBag, retryAfterMs } from '#contracts';
import { quote } from './cut.js';

/** Why a request gave no answer, and whether asking again may help. */
export interface Fault {
  retry: boolean;
  message: string;
  /** HTTP status, when the server answered with one */
  status?: number;
  /** how long the server asks to be left alone, ms */
  afterMs?: number;
}

/**
 * Reads what the SDK threw; total: every value is some fault.
 *
 * Worth another try: 429, 408, every 5xx, a connection that was refused, cut or too slow, an answer that broke off.
 * The server has the last word: `x-should-retry` overrules the status. An exhausted quota also comes as 429, but no
 * waiting helps: it is final, as every other 4xx.
 */
export const faultOf = (error: unknown, nowMs: number): Fault => {
  const { status, headers } = parts(error);
  const message = quote(messageOf(error), 2000);
  if (status === undefined) return { retry: !isBadAddress(error), message };
  const afterMs = headers === undefined ? undefined : retryAfterMs(headers, nowMs);
  return {
    retry: isRetryable(error, status, headers),
    message,
    status,
    ...(afterMs === undefined ? {} : { afterMs }),
  };
};

const isRetryable = (error: unknown, status: number, headers: HeaderBag | undefined): boolean => {
  const told = headers?.get('x-should-retry');
  if (told === 'true') return true;
  if (told === 'false') return false;
  if (status === 429) return !isQuota(error);
  return status === 408 || status >= 500;
};

const isQuota = (error: unknown): boolean => {
  const { code, type } = error as { code?: unknown; type?: unknown };
  return code === 'insufficient_quota' || type === 'insufficient_quota';
};

/** An address that no request can be sent to: a setting to correct, not a server to wait for. */
const isBadAddress = (error: unknown): boolean =>
  causes(error).some((cause) => codeOf(cause) === 'ERR_INVALID_URL');

const parts = (error: unknown): { status?: number; headers?: HeaderBag } => {
  if (typeof error !== 'object' || error === null) return {};
  const { status, headers } = error as { status?: unknown; headers?: unknown };
  if (typeof status !== 'number') return {};
  return isHeaderBag(headers) ? { status, headers } : { status };
};

const isHeaderBag = (value: unknown): value is HeaderBag =>
  typeof value === 'object' && value !== null && typeof (value as { get?: unknown }).get === 'function';

/** The message with those of its causes: `fetch failed` alone tells nothing. */
const messageOf = (error: unknown): string => {
  const said = causes(error).map((cause) => textOf(cause, 'message') ?? codeOf(cause));
  const told = [...new Set(said.filter((text) => text !== undefined))].join(': ');
  return told === '' ? String(error) : told;
};

const codeOf = (value: unknown): string | undefined => textOf(value, 'code');

const textOf = (value: unknown, field: 'message' | 'code'): string | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const text = (value as { message?: unknown; code?: unknown })[field];
  return typeof text === 'string' && text !== '' ? text : undefined;
};

const causes = (error: unknown): unknown[] => {
  const chain: unknown[] = [];
  for (let cause = error; cause !== undefined && cause !== null && chain.length < 5;) {
    chain.push(cause);
    cause = (cause as { cause?: unknown }).cause;
  }
  return chain;
};
