import { type Static, Type } from '@sinclair/typebox';
import type { Json } from './json.js';

/** A record that nobody could process, without its value. Kept for the retention time. */
export interface DeadLetter {
  v: number;
  /** made of the record's place: the same record is the same dead letter */
  id: string;
  /** when it was put here, ms, store's clock */
  at: number;
  /** whose it is; a record that tells none is the default tenant's */
  tenant: string;
  /** a word to count and to filter by, such as `invalid_event` */
  reason: string;
  /** a sentence: what was expected, what came */
  error: string;
  topic: string;
  partition: number;
  offset: number;
  deliveries: number;
  attempts: number;
  /** of the record; null: it had none */
  key: string | null;
  headers: Readonly<Record<string, string>>;
  /** of the event in the record, as far as it can be read */
  event_id?: string;
  session_id?: string;
  intent_id?: string;
  /** the session is ours and is told of it */
  ours: boolean;
}

/** Somebody had a dead letter's record published again. */
export interface Redrive {
  /** ms, store's clock */
  at: number;
  by: string;
  reason?: string;
}

const Time = Type.String({ format: 'date-time', description: 'RFC 3339, UTC, milliseconds' });
const By = Type.String({ minLength: 1, maxLength: 256, description: 'who; default: unnamed' });
const Why = Type.String({ minLength: 1, maxLength: 1024, description: 'why; kept with it' });

/** A dead letter as `GET /v1/dead-letters/{id}` answers it; a list leaves out the record itself. */
export const DeadLetterView = Type.Object(
  {
    id: Type.String(),
    at: Time,
    reason: Type.String({ description: 'a word, such as `invalid_event`, `poison`, `unknown_tool`' }),
    error: Type.String({ description: 'what was expected, what came' }),
    topic: Type.String(),
    partition: Type.Integer(),
    offset: Type.Integer(),
    deliveries: Type.Integer({ description: 'how often the record was handed to a process' }),
    attempts: Type.Integer({ description: 'how often what it asks for ended by itself' }),
    session_id: Type.Union([Type.String(), Type.Null()]),
    redriven: Type.Array(Type.Object({ at: Time, by: Type.String(), reason: Type.Optional(Type.String()) }), {
      description: 'when and by whom it was published again',
    }),
    key: Type.Union([Type.String(), Type.Null()]),
    headers: Type.Record(Type.String(), Type.String()),
    data: Type.Optional(
      Type.Unsafe<Json>(Type.Unknown({ description: 'the record, where it is JSON; not in lists' })),
    ),
    data_base64: Type.Optional(Type.String({ description: 'the record, where it is no JSON; not in lists' })),
  },
  { title: 'DeadLetter' },
);
export type DeadLetterView = Static<typeof DeadLetterView>;

/** `GET /v1/dead-letters` */
export const DeadLetterList = Type.Object({
  dead_letters: Type.Array(DeadLetterView),
  next_cursor: Type.Union([Type.String(), Type.Null()]),
});
export type DeadLetterList = Static<typeof DeadLetterList>;

/** The body of `POST /v1/dead-letters/{id}/redrive`. */
export const RedriveRequest = Type.Object(
  { by: Type.Optional(By), reason: Type.Optional(Why) },
  { additionalProperties: false, title: 'RedriveRequest' },
);
export type RedriveRequest = Static<typeof RedriveRequest>;

/** The body of `POST /v1/dead-letters/redrive`: at least one filter. */
export const RedriveManyRequest = Type.Object(
  {
    filter: Type.Object(
      {
        reason: Type.Optional(Type.String({ minLength: 1 })),
        topic: Type.Optional(Type.String({ minLength: 1 })),
        session_id: Type.Optional(Type.String({ minLength: 1 })),
      },
      { additionalProperties: false, minProperties: 1 },
    ),
    by: Type.Optional(By),
    reason: Type.Optional(Why),
  },
  { additionalProperties: false, title: 'RedriveManyRequest' },
);
export type RedriveManyRequest = Static<typeof RedriveManyRequest>;

/** Its answer: those that were published again; `more`: the call stopped before the end, repeat it. */
export const RedriveAnswer = Type.Object(
  { redriven: Type.Array(Type.String()), more: Type.Boolean() },
  { title: 'RedriveAnswer' },
);
export type RedriveAnswer = Static<typeof RedriveAnswer>;

const iso = (ms: number): string => new Date(ms).toISOString();

/** @param record the record's value, as it is shown; absent in lists */
export const deadLetterView = (
  letter: DeadLetter,
  redriven: readonly Redrive[],
  record: { data: Json } | { data_base64: string } | Record<string, never> = {},
): DeadLetterView => ({
  id: letter.id,
  at: iso(letter.at),
  reason: letter.reason,
  error: letter.error,
  topic: letter.topic,
  partition: letter.partition,
  offset: letter.offset,
  deliveries: letter.deliveries,
  attempts: letter.attempts,
  session_id: letter.session_id ?? null,
  redriven: redriven.map(({ at, ...who }) => ({ at: iso(at), ...who })),
  key: letter.key,
  headers: { ...letter.headers },
  ...record,
});
