import { DormouseError, type ErrorCode, type Json } from '#contracts';
import type { ClaimCapabilities, ClaimStore, SlotStore } from '#idempotency';
import type { DeadLetterStore, SessionStore, StateCapabilities } from '#state';
import type { LogRecord, OutboundRecord, Transport, TransportCapabilities } from '#transport';

/*
 * What a process and the child in which it tries suspects say to each other. The child has no connection and opens no
 * folder: log and stores are its parent's, call by call.
 */

export type SuspectRole = 'commander' | 'dispatcher';

/** What the ports of the parent can do, told once. */
export interface PortCapabilities {
  sessions: StateCapabilities;
  claims: ClaimCapabilities;
  transport: TransportCapabilities;
}

/** A record that a child writes, with what of it survives the way: bytes that are made when they are asked for don't. */
export const outboundOnWire = ({ topic, key, value, headers }: OutboundRecord): OutboundRecord => ({
  topic,
  key,
  value,
  ...(headers === undefined ? {} : { headers }),
});

/** The same of a record that a child is given. */
export const recordOnWire = (record: LogRecord): LogRecord => {
  const { topic, partition, offset, key, value, headers, timestampMs } = record;
  return { topic, partition, offset, key, value, headers, timestampMs };
};

export type ToChild =
  | { kind: 'begin'; role: SuspectRole; capabilities: PortCapabilities }
  | { kind: 'record'; record: LogRecord }
  /** `idle`: exit when nothing runs any more; `now`: give what runs its grace, and exit */
  | { kind: 'end'; when: 'idle' | 'now' }
  | { kind: 'answer'; call: number; value?: unknown; error?: WireError };

export type FromChild =
  | { kind: 'ready' }
  /** `carriesOn`: its run goes on under its claim */
  | { kind: 'finished'; offset: number; carriesOn: boolean }
  | { kind: 'call'; call: number; port: Port; method: string; args: unknown[] };

export type Port = keyof typeof METHODS;

const SESSION_METHODS = [
  'now',
  'create',
  'load',
  'commit',
  'isPending',
  'history',
  'timeline',
  'list',
  'lowerWake',
  'moveWake',
  'dueWakes',
  'nextWake',
  'wakeOf',
  'putBlob',
  'getBlob',
  'isEmptied',
  'ping',
] as const satisfies readonly (keyof SessionStore)[];
const CLAIM_METHODS = [
  'now',
  'claim',
  'start',
  'renew',
  'defer',
  'keep',
  'record',
  'seal',
  'handBack',
  'drop',
  'forget',
  'read',
  'ping',
] as const satisfies readonly (keyof ClaimStore)[];
const SLOT_METHODS = ['take', 'renew', 'free'] as const satisfies readonly (keyof SlotStore)[];
const LETTER_METHODS = ['put', 'get', 'list'] as const satisfies readonly (keyof DeadLetterStore)[];
const LOG_METHODS = ['publish', 'ping'] as const satisfies readonly (keyof Transport)[];

/** The calls that a child may make. */
export const METHODS = {
  sessions: SESSION_METHODS,
  claims: CLAIM_METHODS,
  slots: SLOT_METHODS,
  deadLetters: LETTER_METHODS,
  transport: LOG_METHODS,
} as const;

/** Of every port: the child's own. */
type Own = 'capabilities' | 'close';
/** No method of a port is left out by accident: what no child calls is named here. */
type Complete<P, Called extends readonly string[], NotCalled extends keyof P> =
  Exclude<keyof P, Called[number] | Own | NotCalled> extends never ? true : never;
true satisfies Complete<
  SessionStore,
  typeof SESSION_METHODS,
  'lastSeen' | 'watch' | 'expire' | 'drop' | 'mark' | 'audit'
>;
true satisfies Complete<ClaimStore, typeof CLAIM_METHODS, 'expire'>;
true satisfies Complete<SlotStore, typeof SLOT_METHODS, never>;
true satisfies Complete<DeadLetterStore, typeof LETTER_METHODS, 'markRedriven'>;
true satisfies Complete<
  Transport,
  typeof LOG_METHODS,
  'start' | 'describe' | 'subscribe' | 'lag' | 'members' | 'retentionMs'
>;

interface WireError {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  details?: Json;
}

export const toWire = (error: unknown): WireError =>
  DormouseError.is(error)
    ? {
        code: error.code,
        message: error.message,
        retryable: error.retryable,
        ...(error.details === undefined ? {} : { details: error.details }),
      }
    : { code: 'internal', message: error instanceof Error ? error.message : String(error), retryable: true };

export const fromWire = ({ code, message, retryable, details }: WireError): DormouseError =>
  new DormouseError(code, message, { retryable, ...(details === undefined ? {} : { details }) });
