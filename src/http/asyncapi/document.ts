import type { EventName } from '#contracts';
import { DEAD_LETTER_NAME } from '#transport';
import type { LogSettings } from '../../config/index.js';
import { VERSION } from '../../version.js';
import { SchemaComponents } from '../openapi/schema-components.js';
import { ALL_EVENTS } from './event-schema.js';
import {
  binaryMessage,
  deadLetterMessage,
  KAFKA_BINDING,
  type Message,
  structuredMessage,
} from './messages.js';

/** What of the settings is seen in the log. */
export type LogNames = Pick<LogSettings, 'topics' | 'groups'> & { typePrefix: string };

type ChannelId = keyof LogNames['topics'];

const ref = (...path: string[]): object => ({ $ref: `#/${path.join('/')}` });
const binary = (name: EventName): string => `${name}.binary`;
const eventsOf = (topic: 'intent' | 'observation'): EventName[] =>
  ALL_EVENTS.filter((name) => name.startsWith(`${topic}.`));

const channel = (address: string, description: string, messages: readonly string[]): object => ({
  address,
  description,
  messages: Object.fromEntries(messages.map((id) => [id, ref('components', 'messages', id)])),
  bindings: { kafka: { topic: address, bindingVersion: KAFKA_BINDING } },
});

const operation = (
  action: 'send' | 'receive',
  id: ChannelId,
  summary: string,
  messages: readonly string[],
  group?: string,
): object => ({
  action,
  channel: ref('channels', id),
  summary,
  messages: messages.map((message) => ref('channels', id, 'messages', message)),
  ...(group === undefined
    ? {}
    : { bindings: { kafka: { groupId: { type: 'string', const: group }, bindingVersion: KAFKA_BINDING } } }),
});

/**
 * The log's own description, generated from the schemas that the code uses. https://www.asyncapi.com/docs/reference/specification/v3.0.0
 * Its operations are what Dormouse does: who serves a tool of his own receives what it sends.
 */
export const asyncApiDocument = ({ topics, groups, typePrefix }: LogNames): object => {
  const components = new SchemaComponents();
  const messages: Record<string, Message> = {};
  for (const name of ALL_EVENTS) {
    messages[name] = structuredMessage(components, typePrefix, name);
    messages[binary(name)] = binaryMessage(components, typePrefix, name);
  }
  messages[DEAD_LETTER_NAME] = deadLetterMessage(components, typePrefix);

  const intents = eventsOf('intent');
  const observations = eventsOf('observation');
  const either = (names: readonly EventName[]): string[] => names.flatMap((name) => [name, binary(name)]);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Dormouse',
      version: VERSION,
      description:
        "The events of an event-driven runtime for AI agents: CloudEvents 1.0 on Kafka, or, where no brokers are configured, in the process's own log, which nobody else reads.",
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/cloudevents+json',
    channels: {
      intent: channel(topics.intent, 'Topic A: what sessions want done.', either(intents)),
      observation: channel(
        topics.observation,
        'Topic B: all that a session can react to, in one order.',
        either(observations),
      ),
      deadLetter: channel(topics.deadLetter, 'Records that nobody could process.', [DEAD_LETTER_NAME]),
    },
    operations: {
      sendIntents: operation('send', 'intent', 'The Commander emits intents.', intents),
      receiveIntents: operation(
        'receive',
        'intent',
        'The Dispatcher runs their tools.',
        either(intents),
        groups.dispatcher,
      ),
      sendObservations: operation(
        'send',
        'observation',
        'API, Dispatcher and scheduler tell what happened.',
        observations,
      ),
      receiveObservations: operation(
        'receive',
        'observation',
        'The Commander wakes their sessions.',
        either(observations),
        groups.commander,
      ),
      sendDeadLetters: operation('send', 'deadLetter', 'Whoever cannot process a record puts it here.', [
        DEAD_LETTER_NAME,
      ]),
    },
    components: { messages, schemas: components.schemas },
  };
};
