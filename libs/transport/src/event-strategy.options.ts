import type { EventContext } from '#contracts';
import type { ConsumerStats, KeyOrderedConsumerOptions } from './consumer-options.js';
import type { BuriedRecord } from './dead-letter.js';
import type { Transport } from './port.js';
import type { PoisonOptions } from './poison/poison.options.js';

export interface EventStrategyOptions {
  transport: Transport;
  topic: string;
  group: string;
  /** handlers with this id are this strategy's: `@EventPattern(name, transportId)` */
  transportId: symbol;
  /** types are routed by what follows it; its `source` signs the dead letters */
  context: EventContext;
  deadLetterTopic: string;
  /**
   * Called for each record that became a dead letter, after the log has it and before the record is finished: what it
   * does may happen twice. Rejected: the record comes again.
   */
  onBuried?: (buried: BuriedRecord) => Promise<void>;
  /** finds records that kill their process; absent: they are delivered for ever */
  poison?: PoisonOptions;
  /** events under way at one time; default 256 */
  maxInFlight?: number;
  /** how long `drain` and `close` let handlers end; default 30 s */
  drainMs?: number;
  /** after a subscription died, how long until another one begins; default 30 s */
  rejoinMs?: number;
  consumer?: Partial<
    Omit<
      KeyOrderedConsumerOptions,
      'transport' | 'topic' | 'group' | 'handler' | 'maxInFlight' | 'onAssigned' | 'onLost' | 'onDead'
    >
  >;
}

export interface EventStrategyStats extends ConsumerStats {
  /** what a later release wrote and keeps a partition waiting for that; null: nothing */
  newerVersion: string | null;
  /** events whose type nobody here handles, finished without anything being done */
  unhandled: number;
  deadLetters: number;
}
