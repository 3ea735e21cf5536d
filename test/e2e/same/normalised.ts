import type { LogRecord } from '#transport';

/** Where something comes from, without the name of the instance. */
const SOURCE = /"source":"\/(\w+)\/[^"]*"/g;
const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
/** Of an answer that a step was given: it is there when the time is another than the step's own. */
const ANSWERED_AT = /"at":1\d{12},/g;
/** Milliseconds since the epoch, as numbers of their own. */
const EPOCH_MS = /(?<=[[:,])1\d{12}(?=[\],}])/g;
const DURATION = /"(duration_ms|waited_ms)":[\d.]+/g;
const TRACE_PARENT = /00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/g;
const TRACE_ID = /(?<="trace_id":")[0-9a-f]{32}/g;
/** The hash of a payload that holds ids and times itself. */
const BLOB = /(?<=blob:\{[^}]*\}:)[0-9a-f]{64}/g;
/** Of a tool's parameters, which may hold a booking's number. */
const DIGEST = /(?<="digest":")[\w-]{43}/g;
/** A booking's number follows from its intent's id. */
const BOOKING = /(?<="(?:FL|HO)-)[0-9a-f]{8}/g;

/** Text of JSON without what differs from run to run: ids of sessions become the names of their scenes. */
const plain = (text: string, id: string, name: string): string =>
  text
    .replaceAll(id, `<${name}>`)
    .replace(SOURCE, '"source":"/$1"')
    .replace(TIME, '<time>')
    .replace(ANSWERED_AT, '')
    .replace(EPOCH_MS, '0')
    .replace(DURATION, '"$1":0')
    .replace(TRACE_PARENT, '<trace>')
    .replace(TRACE_ID, '<trace>')
    .replace(BLOB, '<hash>')
    .replace(DIGEST, '<digest>')
    .replace(BOOKING, '<number>');

export const normalised = (value: unknown, id: string, name: string): unknown =>
  JSON.parse(plain(JSON.stringify(value), id, name));

/** The events of one session on a topic, in order. What was published more than once counts once. */
export const eventsOf = (records: readonly LogRecord[], id: string, name: string): unknown[] => {
  const events = new Map<string, unknown>();
  for (const { key, value } of records) {
    if (key !== id || value === null) continue;
    const event = JSON.parse(value.toString()) as { id: string };
    if (!events.has(event.id)) events.set(event.id, normalised(event, id, name));
  }
  return [...events.values()];
};
