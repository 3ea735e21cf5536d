/** What happened, in order, one line each: `time process what`. */
export class Trace {
  private readonly lines: string[] = [];
  private readonly names: [id: string, name: string][] = [];

  /** @param now ms; told from the beginning of time on */
  constructor(
    private readonly now: () => number,
    private readonly begin: number,
  ) {}

  /** From here on the long id is told by its short name. */
  call(id: string, name: string): void {
    this.names.push([id, name]);
  }

  add(who: string, what: string): void {
    const ms = this.now() - this.begin;
    this.lines.push(`${(ms / 1000).toFixed(3).padStart(10)}  ${who.padEnd(8)}  ${what}`);
  }

  text(): string {
    return this.names.reduce((text, [id, name]) => text.replaceAll(id, name), this.lines.join('\n'));
  }
}

/** An answer in a word or two. */
export const shortly = (answer: unknown): string => {
  if (answer === undefined) return 'done';
  if (answer instanceof Uint8Array) return `${answer.length} bytes`;
  if (Array.isArray(answer)) return `[${answer.map(shortly).join(' ')}]`;
  if (typeof answer === 'string') return answer;
  if (typeof answer !== 'object' || answer === null) return JSON.stringify(answer);
  const { kind, status, version, outcome, started, sessionId, at, leaseUntil } = answer as {
    kind?: string;
    status?: string;
    version?: number;
    outcome?: object;
    started?: boolean;
    sessionId?: string;
    at?: number;
    leaseUntil?: number;
  };
  if (typeof version === 'number' && typeof status === 'string') return `v${version} ${status}`;
  const told = [kind, status, started === true ? 'started' : undefined, sessionId, at].filter(
    (word) => word !== undefined,
  );
  if (typeof outcome === 'object') told.push(shortly(outcome));
  else if (kind === undefined && typeof leaseUntil === 'number') told.push(`lease ${leaseUntil}`);
  return told.length === 0 ? 'answered' : told.join(' ');
};
