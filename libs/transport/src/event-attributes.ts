import type { CloudEvent } from '#contracts';

/** Why a record holds no event, in a form that its writer can act on. */
export interface InvalidEvent {
  /**
   * `format`: a `content-type` that we don't read · `not_json`: the value should be JSON and isn't · `not_an_event`: it
   * is JSON and no event · `attribute`: an attribute is missing or wrong · `data`: the payload isn't what its
   * `datacontenttype` says
   */
  reason: 'format' | 'not_json' | 'not_an_event' | 'attribute' | 'data';
  /** the header or attribute; `value` for the record's value */
  field: string;
  expected: string;
  came: string;
}

export type DecodedEvent =
  { event: CloudEvent; invalid?: undefined } | { event?: undefined; invalid: InvalidEvent };

export const invalidEvent = (
  reason: InvalidEvent['reason'],
  field: string,
  expected: string,
  came: string,
): DecodedEvent => ({ invalid: { reason, field, expected, came } });

/** One sentence for people. */
export const describeInvalid = ({ field, expected, came }: InvalidEvent): string =>
  `${field}: expected ${expected}, came ${came}`;

/** What is filled in for a `source` that its writer left out. */
export const UNNAMED_SOURCE = '/unnamed';

// RFC 3339 5.6; a leap second is allowed there
const TIME =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

const MAX_SHOWN = 80;
const show = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
};

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

const OPTIONAL_TEXT = [
  'datacontenttype',
  'dataschema',
  'subject',
  'partitionkey',
  'traceparent',
  'tracestate',
  'deploymentid',
  'tenant',
  'dataref',
];

/**
 * Checks the attributes and hands the object on as the event it is. Whatever else it holds is kept.
 *
 * `id` and `type` are required. The other two that CloudEvents requires are checked when given, and filled in when
 * left out: a minimal program's event is taken as well.
 *
 * @param attributes its own object: attributes that are null are removed (JSON format 2.2: null is absent)
 */
export const checkAttributes = (attributes: Record<string, unknown>): DecodedEvent => {
  for (const name in attributes) {
    if (attributes[name] === null && name !== 'data') Reflect.deleteProperty(attributes, name);
  }
  const { specversion, id, type, source, time } = attributes;
  if (specversion === undefined) attributes['specversion'] = '1.0';
  else if (specversion !== '1.0') return invalidEvent('attribute', 'specversion', '"1.0"', show(specversion));
  if (!isText(id)) return invalidEvent('attribute', 'id', 'a text that is not empty', show(id));
  if (!isText(type)) return invalidEvent('attribute', 'type', 'a text that is not empty', show(type));
  if (source === undefined) attributes['source'] = UNNAMED_SOURCE;
  else if (!isText(source)) return invalidEvent('attribute', 'source', 'a URI reference', show(source));
  if (time !== undefined && !(typeof time === 'string' && TIME.test(time))) {
    return invalidEvent('attribute', 'time', 'an RFC 3339 time such as "2026-01-27T10:00:00Z"', show(time));
  }
  for (const name of OPTIONAL_TEXT) {
    const value = attributes[name];
    if (value !== undefined && !isText(value)) {
      return invalidEvent('attribute', name, 'a text that is not empty', show(value));
    }
  }
  return { event: attributes as CloudEvent };
};
