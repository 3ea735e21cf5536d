/** One run of a tool, as it really was. */
export interface ToolRun {
  intentId: string;
  sessionId: string;
  tool: string;
  process: string;
  attempt: number;
  key: string;
  parameters: string;
  compensates: string | undefined;
  /** by a program of others, which may do it for each delivery */
  external?: boolean;
  begunAt: number;
  /** undefined: nobody saw its end */
  endedAt?: number;
  /** it said itself, truly, that nothing was done */
  didNothing: boolean;
}

/** A message that was answered with 202. */
export interface AcceptedMessage {
  sessionId: string;
  /** no other has it */
  content: string;
}

/** What was really done to the world, whatever anybody knows of it. */
export class Ledger {
  readonly runs: ToolRun[] = [];
  /** what no model's server would have taken */
  readonly complaints: string[] = [];
  readonly messages: AcceptedMessage[] = [];
  /** by intent id: when its tool had its effect, by the servers' clock */
  readonly effects = new Map<string, number[]>();

  begin(run: Omit<ToolRun, 'didNothing'>): ToolRun {
    const begun: ToolRun = { ...run, didNothing: false };
    this.runs.push(begun);
    return begun;
  }

  happened(intentId: string, at: number): void {
    const times = this.effects.get(intentId);
    if (times === undefined) this.effects.set(intentId, [at]);
    else times.push(at);
  }

  countOf(intentId: string): number {
    return this.effects.get(intentId)?.length ?? 0;
  }
}
