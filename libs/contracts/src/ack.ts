/**
 * When a write answers.
 *
 * - `durable` (the default): when it outlives what the port's `capabilities.durability` says.
 * - `ordered`: at once, if the write is in its `journal`: whatever is written to that journal afterwards, through any
 *   port, becomes durable only after it. For who writes on before telling anybody, and waits for that: what is
 *   acknowledged then has this write under it. A driver without a journal answers as for `durable`.
 */
export type Ack = 'durable' | 'ordered';

/** What a port's driver says about where its writes go. */
export interface Journaled {
  /** Names the journal that its writes share with other ports of the same process; absent: none. */
  journal?: string;
}

/** How a write may be acknowledged that is followed by one through `next`, whose acknowledgement is waited for. */
export const ackBefore = (first: Journaled, next: Journaled): Ack =>
  first.journal !== undefined && first.journal === next.journal ? 'ordered' : 'durable';
