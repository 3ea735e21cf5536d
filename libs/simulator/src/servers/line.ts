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
   * @param part what happens where the call gets through only in part
   */
  call<T>(what: string, effect: () => T, part?: () => void): Promise<T>;
  /** The server tells the process something by itself; in order of the calls. */
  tell(run: () => void): void;
  /** The server's clock, ms. */
  now(): number;
}

/** As it comes out at the other end of a wire. */
export const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
