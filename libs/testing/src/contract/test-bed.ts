import { afterEach, beforeEach, it } from '@jest/globals';

/**
 * One body of data, empty at first and shared with no other test, and the ways in and out of it.
 * A driver's spec makes one per test; the suites know nothing else of the driver.
 */
export interface TestBed<Port> {
  /**
   * An instance on the data. With `shared: false` the bed closes the one before cleanly;
   * with `shared: true` it stays open beside the new one.
   */
  open(): Promise<Port>;
  /**
   * The processes of all open instances are killed at the moment of the call, before it returns: what they had under
   * way and not yet acknowledged may be lost. The instances aren't used afterwards; `open` begins on what is left.
   */
  crash(): Promise<void>;
  /** The driver's clock goes on by at least `ms`; where it can't be moved, this waits. */
  advance(ms: number): Promise<void>;
  /**
   * The next write happens, but its reply never comes: the call rejects with `unavailable`.
   * Absent where there is no way between caller and data on which a reply could be lost.
   */
  loseNextReply?(): void;
  /** Rows or keys that the driver has read and written so far, if they can be counted. */
  touched?(): number;
  /** Closes what is open and removes the data. */
  dispose(): Promise<void>;
}
export type TestBedFactory<Port> = () => Promise<TestBed<Port>>;

/** What a driver and its bed can do, as data: decides which tests of a suite apply. */
export interface SuiteCapabilities {
  /** several instances may be open on the same data at once */
  shared: boolean;
  /** what an acknowledged write outlives */
  durability: 'process' | 'power';
  /** `moved`: the bed moves the driver's clock; `real`: it waits, and times are kept short */
  clock: 'moved' | 'real';
  /** the bed has `loseNextReply` */
  losesReplies: boolean;
  /** the bed has `touched` */
  countsTouched: boolean;
  /**
   * wake-ups lie elsewhere than their sessions: a write that is repeated, refused or cut by a crash may leave one that
   * is too early (rule 9), never one that is too late
   */
  earlyWakes: boolean;
  /** share of the random runs that are made; below 1 for a driver that takes its time */
  randomRuns: number;
}

export const DEFAULT_SUITE_CAPABILITIES: SuiteCapabilities = {
  shared: false,
  durability: 'process',
  clock: 'moved',
  losesReplies: false,
  countsTouched: false,
  earlyWakes: false,
  randomRuns: 1,
};

/** Inside a `describe`: a fresh bed before each test, disposed of after it. */
export const freshBeds = <Bed extends { dispose(): Promise<void> }>(
  factory: () => Promise<Bed>,
): (() => Bed) => {
  let bed: Bed | undefined;
  beforeEach(async () => {
    bed = await factory();
  });
  afterEach(async () => {
    const done = bed;
    bed = undefined;
    await done?.dispose();
  });
  return () => {
    if (bed === undefined) throw new Error('a bed exists inside of tests only');
    return bed;
  };
};

/** As many instances on the bed's data as the driver allows, at most `n`. */
export const openSeveral = async <Port>(
  bed: TestBed<Port>,
  capabilities: SuiteCapabilities,
  n: number,
): Promise<[Port, ...Port[]]> => {
  const first = await bed.open();
  const others: Port[] = [];
  if (capabilities.shared) for (let i = 1; i < n; i++) others.push(await bed.open());
  return [first, ...others];
};

type Body = () => void | Promise<void>;

/** `it`, or a skip that prints which test doesn't apply and why. */
export const applies = (
  condition: boolean,
  reason: string,
): ((name: string, body: Body, timeoutMs?: number) => void) =>
  condition
    ? (name, body, timeoutMs) => it(name, body, timeoutMs)
    : (name, body) => {
        process.stdout.write(`does not apply: "${name}": ${reason}\n`);
        it.skip(`${name} [does not apply: ${reason}]`, body);
      };
