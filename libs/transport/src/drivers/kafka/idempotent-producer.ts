import type { ICustomPartitioner, Message, Producer } from 'kafkajs';
import { partitionOf } from '../../partitioner.js';
import { type KafkaClient, SHORT_RETRY, openClient } from './kafka-client.js';
import type { KafkaSettings } from './kafka-options.js';
import { installProduceEncoder } from './produce/produce-encoder.js';

interface Connected {
  client: KafkaClient;
  connected: Promise<Producer>;
}

/** All replicas in sync have it: what `publish` promises. */
const ACKS_ALL = -1;

/**
 * By murmur2, as Java's client and kafkajs's own: a foreign producer must be set to it (librdkafka:
 * `partitioner=murmur2_random`), or one session's records go to two partitions. kafkajs's own counts in integers of its
 * own, which takes it longer than all else that a record needs.
 */
const byKey: ICustomPartitioner =
  () =>
  ({ message, partitionMetadata }) =>
    partitionOf(message.key ?? '', partitionMetadata.length);

/** A kafkajs producer that is made when it is first needed, and made anew after it was given up. */
export class IdempotentProducer {
  private current: Connected | undefined;
  private closed = false;

  constructor(private readonly settings: KafkaSettings) {}

  /** Connects, if that isn't done. */
  async connect(): Promise<void> {
    await this.connection().connected;
  }

  /**
   * Writes the messages, in their order, and waits until the log has them all. A rejected call may have written some.
   * @throws the errors of kafkajs, or an error when it takes longer than `withinMs`; then call `renew`
   */
  async send(topic: string, messages: Message[], withinMs: number): Promise<void> {
    const { connected } = this.connection();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no answer within ${Math.round(withinMs)} ms`));
      }, withinMs);
    });
    const sent = connected.then((producer) => producer.send({ topic, messages, acks: ACKS_ALL }));
    // when it is late, nobody waits for its end
    sent.catch(() => undefined);
    try {
      await Promise.race([sent, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * The next call gets a producer with a new id. After a sequence error the broker takes nothing more from the old one;
   * what the old one had under way may be in the log as well as what is now sent again: duplicates are harmless.
   */
  renew(): void {
    const { current } = this;
    this.current = undefined;
    if (current !== undefined) discard(current);
  }

  async close(): Promise<void> {
    this.closed = true;
    const { current } = this;
    this.current = undefined;
    if (current === undefined) return;
    await current.connected.then((producer) => producer.disconnect()).catch(() => undefined);
    current.client.cut();
  }

  /** As the death of the process would. */
  cut(): void {
    this.closed = true;
    this.renew();
  }

  private connection(): Connected {
    if (this.closed) throw new Error('the producer was closed');
    if (this.current === undefined) {
      installProduceEncoder();
      const client = openClient(this.settings);
      const producer = client.kafka.producer({
        idempotent: true,
        allowAutoTopicCreation: false,
        // the default of an idempotent producer goes on for ever, also when it was given up
        retry: SHORT_RETRY,
        createPartitioner: byKey,
      });
      const connected = producer.connect().then(() => producer);
      connected.catch(() => undefined);
      this.current = { client, connected };
    }
    return this.current;
  }
}

const discard = ({ client, connected }: Connected): void => {
  client.cut();
  // stops its timers
  void connected.then((producer) => producer.disconnect()).catch(() => undefined);
};
