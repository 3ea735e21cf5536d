export { type Backoff, DEFAULT_BACKOFF } from './backoff.js';
export {
  type ConsumerStats,
  type KeyOrderedConsumerOptions,
  type RecordHandler,
} from './consumer-options.js';
export {
  type BuriedRecord,
  DEAD_LETTER_NAME,
  DeadLetterError,
  type DeadLetterFacts,
  deadLetterId,
  deadLetterRecord,
  orDeadLetter,
} from './dead-letter.js';
export { type Delivery } from './delivery.js';
export { EmbeddedTransport, type EmbeddedTransportOptions } from './drivers/embedded/embedded-transport.js';
export { createKafkaTransport } from './drivers/kafka/create-kafka-transport.js';
export type { KafkaSasl, KafkaTransportOptions } from './drivers/kafka/kafka-options.js';
export type { KafkaTransport } from './drivers/kafka/kafka-transport.js';
export { type DecodedEvent, describeInvalid, type InvalidEvent, UNNAMED_SOURCE } from './event-attributes.js';
export { decodeEvent, encodeEvent, type EncodedEvent, STRUCTURED_CONTENT_TYPE } from './event-codec.js';
export { type ConnectOptions, EventStrategies } from './event-strategies.js';
export { EventClient } from './event.client.js';
export { EventStrategy } from './event.strategy.js';
export type { EventStrategyOptions, EventStrategyStats } from './event-strategy.options.js';
export { KeyOrderedConsumer } from './key-ordered-consumer.js';
export { PlainArguments } from './plain-arguments.js';
export {
  type Feed,
  type GroupLag,
  type LogRecord,
  type OutboundRecord,
  type PartitionPosition,
  type Position,
  type Subscription,
  type TopicDescription,
  type TopicSpec,
  Transport,
  type TransportCapabilities,
} from './port.js';
export { eventNameOf } from './poison/event-name.js';
export { type PoisonOptions, SUSPECT_AFTER, type Trial } from './poison/poison.options.js';
export { SuspectError } from './poison/suspect-error.js';
export { OriginalErrorFilter } from './original-error.filter.js';
export { backgroundTimers, systemTimers, type Timers } from './timers.js';
export { readTopic } from './read-topic.js';
export { TransportModule, type TransportOptions } from './transport.module.js';
export { COMMANDER_TRANSPORT, DISPATCHER_TRANSPORT, EVENT_CONTEXT } from './transport.tokens.js';
