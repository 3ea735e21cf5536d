import type { LoggerService } from '@nestjs/common';
import type { CloudEvent, EventContext } from '#contracts';
import { type BuriedRecord, type DeadLetterFacts, deadLetterId, deadLetterRecord } from './dead-letter.js';
import type { Delivery } from './delivery.js';
import type { LogRecord, Transport } from './port.js';
import { placeOf } from './retry-log.js';

export interface BurialOptions {
  transport: Transport;
  deadLetterTopic: string;
  context: EventContext;
  /** See `EventStrategyOptions`. */
  onBuried?: (buried: BuriedRecord) => Promise<void>;
}

/** Makes records dead letters. */
export class Burials {
  count = 0;

  constructor(
    private readonly options: BurialOptions,
    private readonly logger: LoggerService,
  ) {}

  /** Resolves when the log has the letter and whoever is to know of it does: the record may be finished then. */
  async bury(
    record: LogRecord,
    delivery: Delivery,
    known: Omit<DeadLetterFacts, 'deliveries'> & { deliveries?: number },
    event?: CloudEvent,
  ): Promise<void> {
    const { transport, deadLetterTopic, context, onBuried } = this.options;
    const facts = { deliveries: delivery.deliveries, ...known };
    await transport.publish([deadLetterRecord(deadLetterTopic, context, record, facts, event)]);
    const id = deadLetterId(record);
    await onBuried?.({ id, record, facts, ...(event === undefined ? {} : { event }) });
    this.count++;
    this.logger.warn(`dead letter ${id}: ${facts.reason}: ${placeOf(delivery)}: ${facts.error}`);
  }
}
