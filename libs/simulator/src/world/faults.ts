import type { Randomness } from './randomness.js';

/**
 * What goes wrong, each at one call of one process.
 *
 * At the call itself: `crash_before`, `crash_after` its effect and before its answer; `freeze_before`, `freeze_after`:
 * the process stands still there and goes on later, as if nothing had been; `refused`: nothing happens;
 * `reply_lost`: it happens, and is said to be unavailable; `late`: that is said first, and it happens afterwards;
 * `twice`: it arrives again, and the second answer counts; `in_part`: some records of a publication get through;
 * `slow`: it takes seconds.
 *
 * At that moment: `rebalance`: partitions change hands; `outage`: a server answers nobody for a while; `cut_off`: this
 * process gets no answers for a while; `stop`: a process is shut down in an orderly way; `join`: another one comes;
 * `clock_ahead`: the servers' clock jumps ahead; `memory_loss`: a store comes back without its last writes.
 */
export const FAULT_KINDS = [
  'crash_before',
  'crash_after',
  'freeze_before',
  'freeze_after',
  'refused',
  'reply_lost',
  'late',
  'twice',
  'in_part',
  'slow',
  'rebalance',
  'outage',
  'cut_off',
  'stop',
  'join',
  'clock_ahead',
  'memory_loss',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** How often each comes, compared with the others. */
const WEIGHTS: Record<FaultKind, number> = {
  crash_before: 3,
  crash_after: 5,
  freeze_before: 3,
  freeze_after: 4,
  refused: 2,
  reply_lost: 4,
  late: 2,
  twice: 3,
  in_part: 1,
  slow: 2,
  rebalance: 3,
  outage: 1,
  cut_off: 2,
  stop: 1.5,
  join: 1,
  clock_ahead: 1,
  memory_loss: 0,
};

/** The so manieth call of a schedule, from 0 on, goes wrong in this way. */
export interface FaultAt {
  call: number;
  kind: FaultKind;
}

export interface FaultPlanOptions {
  /** these and no others */
  exactly?: readonly FaultAt[];
  /** at most so many */
  most: number;
  /** among the first so many calls */
  among: number;
  /** kinds that don't come, and others that do */
  weights?: Partial<Record<FaultKind, number>>;
}

/** Which calls of a schedule go wrong, and how. Counts the calls. */
export class FaultPlan {
  calls = 0;
  private readonly at = new Map<number, FaultKind>();
  readonly happened: Partial<Record<FaultKind, number>> = {};

  constructor(random: Randomness, { exactly, most, among, weights }: FaultPlanOptions) {
    if (exactly !== undefined) {
      for (const { call, kind } of exactly) this.at.set(call, kind);
      return;
    }
    const wanted = random.int(0, most);
    for (let i = 0; i < wanted; i++)
      this.at.set(random.int(0, among), random.weighed({ ...WEIGHTS, ...weights }));
  }

  /** The next call is made: what goes wrong with it. */
  next(): FaultKind | undefined {
    const kind = this.at.get(this.calls++);
    if (kind === undefined) return undefined;
    this.at.delete(this.calls - 1);
    this.happened[kind] = (this.happened[kind] ?? 0) + 1;
    return kind;
  }
}
