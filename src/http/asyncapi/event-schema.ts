import {
  DATA_SCHEMAS,
  dataSchema,
  EVENT_NAMES,
  EVENT_SUMMARIES,
  EVENT_VERSION,
  type EventName,
} from '#contracts';

/** Every event that there is, by what follows the type prefix. */
export const ALL_EVENTS: readonly EventName[] = Object.values(EVENT_NAMES);

/** Where the schema of an event's `data` is served: the end of its `dataschema`. */
export const schemaPath = (name: EventName | '{name}'): string => `/schemas/${name}/v${EVENT_VERSION}`;

/** The schema of an event's `data` as a document of its own, named by its `dataschema`; undefined: no such event. */
export const eventSchemaDocument = (name: string): object | undefined => {
  const event = ALL_EVENTS.find((known) => known === name);
  if (event === undefined) return undefined;
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: dataSchema(event),
    title: event,
    description: EVENT_SUMMARIES[event],
    ...DATA_SCHEMAS[event],
  };
};
