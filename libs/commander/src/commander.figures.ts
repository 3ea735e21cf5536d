import { isTerminal, SESSION_STATUSES, type Snapshot, type StoredStatus } from '#contracts';
import { Histograms, LIFETIME_BOUNDS } from '#telemetry';

type PerStatus = Record<StoredStatus, number>;
const perStatus = (): PerStatus =>
  Object.fromEntries(SESSION_STATUSES.filter((s) => s !== 'thinking').map((s) => [s, 0])) as PerStatus;

/** What the commits of this process did to sessions. */
export class CommanderFigures {
  /** by brain: from an observation's arrival until what its step decided is in the log, s */
  readonly steps = new Histograms();
  /** by brain, s */
  readonly thinks = new Histograms();
  /** by the status at the end: from the submission until then, s */
  readonly lifetimes = new Histograms(LIFETIME_BOUNDS);
  /** how often a session came to a status, and how often one left it */
  readonly entered = perStatus();
  readonly left = perStatus();
  readonly tokens = { input: 0, output: 0 };

  /** To be called once for each commit, so that nothing is counted twice when an observation comes again. */
  committed(before: Snapshot, after: Snapshot): void {
    if (before.usage !== after.usage) {
      this.tokens.input += after.usage.input_tokens - before.usage.input_tokens;
      this.tokens.output += after.usage.output_tokens - before.usage.output_tokens;
    }
    if (before.status === after.status) return;
    this.left[before.status]++;
    this.entered[after.status]++;
    if (isTerminal(after.status))
      this.lifetimes.observe(after.status, (after.updated_at - after.fixed.created_at) / 1_000);
  }
}
