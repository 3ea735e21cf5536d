/** What a call asks of the line. */
export interface Way {
  /** it arrives after those that were sent in order before it */
  inOrder: true;
  /** it arrives once or not at all, and not after its caller was told that it didn't */
  once?: true;
  /** what happens where it gets through only in part */
  part?: () => void;
}

/**
 * How a process reaches a server that others share with it. The servers are plain objects; what lies between them and
 * the processes, and everything that can go wrong there, is the line.
 */
export interface Line {
  /**
   * A call: it arrives, `effect` happens there in one go, and its answer comes back. Rejected with `unavailable` it may
   * have happened or not.
   *
   * @param what for the trace
   */
  call<T>(what: string, effect: () => T, way?: Way): Promise<T>;
  /** The server tells the process something by itself; in order of the calls. */
  tell(run: () => void): void;
  /** The server's clock, ms. */
  now(): number;
}

/** As it comes out at the other end of a wire. */
export const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
