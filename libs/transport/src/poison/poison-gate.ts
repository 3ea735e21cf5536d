import type { DeadLetterFacts } from '../dead-letter.js';
import type { Delivery } from '../delivery.js';
import type { LogRecord, PartitionPosition } from '../port.js';
import { eventNameOf } from './event-name.js';
import { PartitionRecovery } from './partition-recovery.js';
import { DEAD_AFTER_KILLS, type PoisonOptions, SUSPECT_AFTER } from './poison.options.js';
import type { SuspectError } from './suspect-error.js';
import { SuspectLine } from './suspect-line.js';

type Handle = () => Promise<void> | undefined;
/** Makes the record a dead letter. */
type Bury = (facts: DeadLetterFacts) => Promise<void>;

/**
 * Keeps a record that kills its process from killing one after the other (rule 13): what was in flight when a process
 * died is counted before it is begun again, and what five died over runs alone in a child process.
 * Without a death it costs a look at an empty map for each record.
 */
export class PoisonGate {
  private readonly recoveries = new Map<number, PartitionRecovery>();
  private readonly suspects = new SuspectLine();
  /** events of runs that their claims carry on */
  private readonly trying = new Set<string>();

  constructor(
    private readonly options: PoisonOptions,
    private readonly topic: string,
    /** records that a process can have had in flight in one partition */
    private readonly window: number,
    private readonly deployment: string,
  ) {}

  assigned(positions: readonly PartitionPosition[]): void {
    const { deliveries, boot } = this.options;
    for (const { partition, offset } of positions) {
      const place = { topic: this.topic, partition };
      this.recoveries.set(partition, new PartitionRecovery(deliveries, place, boot, offset, this.window));
    }
  }

  lost(partitions: readonly number[]): void {
    for (const partition of partitions) this.recoveries.delete(partition);
  }

  /** Runs the record's handler, here or in a child; as the handler does when there is nothing to be asked. */
  pass(delivery: Delivery, handle: Handle, bury: Bury): Promise<void> | undefined {
    if (this.recoveries.size === 0) return handle();
    const recovery = this.recoveries.get(delivery.partition);
    if (recovery === undefined) return handle();
    if (recovery.over) {
      this.recoveries.delete(delivery.partition);
      return handle();
    }
    return this.recover(recovery, delivery, handle, bury);
  }

  private async recover(
    recovery: PartitionRecovery,
    delivery: Delivery,
    handle: Handle,
    bury: Bury,
  ): Promise<void> {
    const event = eventNameOf(delivery.record, this.deployment);
    await recovery.begin(event, delivery.record);
    // a copy of a dead letter: that is where it waits
    if (await recovery.isConvicted(event)) return;
    const tried = recovery.of(event).deliveries >= SUSPECT_AFTER && (await this.suspects.enter());
    try {
      // one before it in the line may have been such a copy
      if (await recovery.isConvicted(event)) return;
      if (tried) await this.tryAlone(recovery, event, delivery, bury);
      else await handle();
    } finally {
      if (tried) this.suspects.leave();
    }
    recovery.finished(event);
  }

  /**
   * A run that its claim carries on, and whose owners died: tried alone, and a dead letter when that has killed two
   * children. The claim counts both.
   *
   * @param again handles the record once more; its claim tells then how often it has killed
   */
  async suspected(
    error: SuspectError,
    { partition, record }: Delivery,
    again: Handle,
    bury: Bury,
  ): Promise<void> {
    const { deliveries } = this.options;
    const { deaths } = error;
    const place = { topic: this.topic, partition };
    const event = eventNameOf(record, this.deployment);
    // a copy of a dead letter: that is where it waits
    if (await deliveries.isConvicted(place, event)) return;
    const kills = deaths - SUSPECT_AFTER;
    if (kills >= DEAD_AFTER_KILLS) {
      await bury({
        reason: 'poison',
        error: poisonous(SUSPECT_AFTER, kills),
        deliveries: deaths,
        attempts: 0,
      });
      return deliveries.convict(place, event);
    }
    // a copy of one that is being tried: its claim is asked again later
    if (this.trying.has(event)) throw error;
    this.trying.add(event);
    try {
      if ((await this.tryOnce(record)) === 'finished') return;
    } finally {
      this.trying.delete(event);
    }
    await again();
  }

  private async tryOnce(record: LogRecord): Promise<'finished' | 'killed' | 'acquitted'> {
    if (!(await this.suspects.enter())) return 'acquitted';
    try {
      return await this.options.trial.run(record);
    } finally {
      this.suspects.leave();
    }
  }

  private async tryAlone(
    recovery: PartitionRecovery,
    event: string,
    { record }: Delivery,
    bury: Bury,
  ): Promise<void> {
    while (recovery.of(event).kills < DEAD_AFTER_KILLS) {
      if ((await this.options.trial.run(record)) === 'finished') return;
      await recovery.kill(event);
    }
    const { deliveries, kills } = recovery.of(event);
    await bury({
      reason: 'poison',
      error: poisonous(deliveries, kills),
      deliveries: deliveries + kills,
      attempts: 0,
    });
    await recovery.convict(event);
    // the others were only near it
    await Promise.all([...this.recoveries.values()].map((each) => each.forget()));
    this.suspects.acquit();
  }
}

const poisonous = (deaths: number, kills: number): string =>
  `${deaths} processes died while they handled this record, and ${kills} that had nothing else to do: mend what handles it, then redrive it`;
