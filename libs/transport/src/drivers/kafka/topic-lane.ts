import type { Message } from 'kafkajs';
import { DormouseError } from '#contracts';
import type { OutboundRecord } from '../../port.js';
import { IdempotentProducer } from './idempotent-producer.js';
import { asDormouseError, forbids, protocolError } from './kafka-error.js';
import type { KafkaSettings } from './kafka-options.js';

/** The records of one `publish` call, as far as they go to this topic. */
interface Waiting {
  messages: Message[];
  bytes: number;
  deadline: number;
  resolve: () => void;
  reject: (error: Error) => void;
}

/** What a record takes in a batch beside its key, value and headers. */
const FRAME_BYTES = 40;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Writes to one topic, one request at a time: so records keep their order, also over retries, and those that come while
 * a request is under way travel together in the next one. Nobody waits for company while the lane is idle.
 *
 * A lane per topic, with a producer of its own: kafkajs lets one request per broker and producer through, and a topic
 * that is gone or forbidden must not hold up the others.
 */
export class TopicLane {
  private queue: Waiting[] = [];
  private working: Promise<void> | null = null;
  private closed = false;
  private readonly producer: IdempotentProducer;

  /** @param batchBytes what the topic takes as one batch; the sum over all partitions is kept below, to be safe */
  constructor(
    private readonly settings: KafkaSettings,
    readonly topic: string,
    private batchBytes: number,
  ) {
    this.producer = new IdempotentProducer(settings);
  }

  /** Connects ahead of the first record. What goes wrong is said to those who publish. */
  async warm(): Promise<void> {
    await this.producer.connect().catch(() => {
      this.producer.renew();
    });
  }

  /** Resolves when the log has acknowledged all of them. */
  publish(records: readonly OutboundRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      let bytes = 0;
      const messages = records.map((record) => {
        const message = messageOf(record);
        bytes += bytesOf(message);
        return message;
      });
      const deadline = performance.now() + this.settings.publishTimeoutMs;
      this.queue.push({ messages, bytes, deadline, resolve, reject });
      this.working ??= this.work();
    });
  }

  /** What is under way gets its answer; what isn't is refused. */
  async close(): Promise<void> {
    this.closed = true;
    this.refuseQueue();
    await this.working;
    await this.producer.close();
  }

  /** As the death of the process would. */
  cut(): void {
    this.closed = true;
    this.producer.cut();
    this.refuseQueue();
  }

  private refuseQueue(): void {
    for (const waiting of this.queue.splice(0)) waiting.reject(closedError());
  }

  private async work(): Promise<void> {
    // the publish calls of this turn of the event loop go together
    await new Promise((resolve) => setImmediate(resolve));
    while (this.queue.length > 0) {
      const batch = this.take();
      try {
        await this.send(
          batch.flatMap((waiting) => waiting.messages),
          Math.min(...batch.map((waiting) => waiting.deadline)),
        );
        for (const waiting of batch) waiting.resolve();
      } catch (error) {
        const refusal = this.closed ? closedError(error) : asDormouseError(error, `publish to ${this.topic}`);
        for (const waiting of batch) waiting.reject(refusal);
      }
    }
    this.working = null;
  }

  /** The calls at the head of the queue that fit into one batch: at least one. */
  private take(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.queue) {
      bytes += waiting.bytes;
      if (count > 0 && bytes > this.batchBytes) break;
      count++;
    }
    return this.queue.splice(0, count);
  }

  private async send(messages: Message[], deadline: number): Promise<void> {
    for (const part of this.parts(messages)) await this.sendPart(part, deadline);
  }

  /** One call may be more than a batch. */
  private *parts(messages: Message[]): Iterable<Message[]> {
    let part: Message[] = [];
    let bytes = 0;
    for (const message of messages) {
      const size = bytesOf(message);
      if (part.length > 0 && bytes + size > this.batchBytes) {
        yield part;
        part = [];
        bytes = 0;
      }
      part.push(message);
      bytes += size;
    }
    if (part.length > 0) yield part;
  }

  private async sendPart(messages: Message[], deadline: number): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      // the first try is always made: a process that was frozen comes back to deadlines that have passed
      const withinMs = Math.max(this.settings.publishTimeoutMs / 2, deadline - performance.now());
      try {
        await this.producer.send(this.topic, messages, withinMs);
        return;
      } catch (error) {
        // whatever it was (a sequence error, a cut connection, no answer): a new producer knows the brokers afresh
        this.producer.renew();
        if (isTooLarge(error)) {
          const [half, rest] = [
            messages.slice(0, messages.length >> 1),
            messages.slice(messages.length >> 1),
          ];
          if (half.length === 0) throw tooLarge(this.topic, error);
          // the topic takes less than we were told
          await this.sendPart(half, deadline);
          await this.sendPart(rest, deadline);
          return;
        }
        if (this.closed || forbids(error) || performance.now() + pauseMs > deadline) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
    }
  }
}

/**
 * The bytes are copied: whoever publishes may go on to use its buffer, and kafkajs reads it later. Headers that nobody
 * can change stay one object, whose encoding is made once.
 */
const messageOf = ({ key, value, headers }: OutboundRecord): Message => {
  const message: Message = { key: Buffer.from(key), value: Buffer.from(value) };
  if (headers !== undefined) message.headers = Object.isFrozen(headers) ? headers : { ...headers };
  return message;
};

const bytesOf = ({ key, value, headers }: Message): number => {
  let bytes = FRAME_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const name in headers) bytes += 3 * name.length + 3 * String(headers[name]).length + 8;
  return bytes;
};

const isTooLarge = (error: unknown): boolean => {
  const type = protocolError(error);
  return type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE';
};

const tooLarge = (topic: string, cause: unknown): DormouseError =>
  new DormouseError('invalid_request', `${topic}: the record is larger than the topic's max.message.bytes`, {
    cause,
  });

const closedError = (cause?: unknown): DormouseError =>
  new DormouseError('closed', 'the transport was closed before the log had the record', {
    ...(cause === undefined ? {} : { cause }),
  });
