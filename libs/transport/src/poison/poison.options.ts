import type { LogRecord } from '../port.js';

/** Where a record is. */
export interface Place {
  topic: string;
  partition: number;
}

/** What is known of an event that was in flight when a process died. */
export interface Count {
  deliveries: number;
  kills: number;
  convicted: boolean;
}

/** The durable side of the counting: the store of deliveries. */
export interface Deliveries {
  take(
    place: Place,
    boot: string,
    offset: number,
  ): Promise<{ died: boolean; counts: readonly (Count & { event: string })[] }>;
  count(place: Place, records: readonly { event: string; offset: number }[]): Promise<void>;
  /** returns how many children the event has killed */
  kill(place: Place, event: string): Promise<number>;
  convict(place: Place, event: string): Promise<void>;
  isConvicted(place: Place, event: string): Promise<boolean>;
  forget(place: Place): Promise<void>;
}

/** Runs a record alone, in a process of its own. */
export interface Trial {
  /**
   * `finished`: its handler ended. `killed`: the process died of it.
   * Errors: what is worth trying again (the child could not be started, this process stops)
   */
  run(record: LogRecord): Promise<'finished' | 'killed'>;
}

export interface PoisonOptions {
  deliveries: Deliveries;
  trial: Trial;
  /** of this process */
  boot: string;
}

/** A record that so many processes died over is a suspect. */
export const SUSPECT_AFTER = 5;
/** A suspect that killed so many children is a dead letter. */
export const DEAD_AFTER_KILLS = 2;
