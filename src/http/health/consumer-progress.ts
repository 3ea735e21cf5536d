import type { EventStrategy, EventStrategyStats, Transport } from '#transport';

/** An idle consumer takes a new record within milliseconds, and a rejoin is over in seconds. */
const TAKE_MS = 10_000;
/** While there is room for more, what runs is given so long: a model may be asked for minutes, and tried again. */
const RUN_MS = 10 * 60_000;

const idle = ({ inFlight, queued, waiting }: EventStrategyStats): boolean =>
  inFlight + queued + waiting === 0;

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;

/**
 * Whether a consumer gets on with what there is to do. It is looked at whenever somebody asks, and remembers what it saw
 * last: a time counts as standstill only from the first look that saw work and no progress since.
 */
export class ConsumerProgress {
  private rested = true;
  private ended = -1;
  private since = 0;

  constructor(
    private readonly strategy: Pick<EventStrategy, 'stats' | 'ready' | 'owned'>,
    private readonly transport: Pick<Transport, 'lag'>,
    private readonly standstillMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Errors: what is wrong, in a sentence */
  async check(): Promise<void> {
    const { stats } = this.strategy;
    if (stats.dead !== null) throw new Error(`its subscription is dead: ${stats.dead.message}`);
    if (!this.strategy.ready) throw new Error('it has not joined its group');
    if (stats.newerVersion !== null) throw new Error(stats.newerVersion);
    const untaken = idle(stats) ? await this.untaken(stats) : 0;
    const stillMs = this.standsStill(stats, idle(stats) && untaken === 0);
    if (untaken > 0 && stillMs > Math.min(TAKE_MS, this.standstillMs))
      throw new Error(`${untaken} records stand in the log, and none was taken for ${seconds(stillMs)}`);
    const { inFlight, maxInFlight, queued, waiting } = stats;
    // with room for more, what waits is only kept by an earlier record of its own session
    const full = queued > 0 && inFlight >= maxInFlight;
    if (stillMs > (full ? this.standstillMs : Math.max(RUN_MS, this.standstillMs)))
      throw new Error(
        `${inFlight} records are worked on, ${queued + waiting} wait, and none was finished for ${seconds(stillMs)}`,
      );
  }

  /** For how long there has been work and no end of any, ms. A failure is an end too: the record is tried again. */
  private standsStill({ finished, retries }: EventStrategyStats, nothingToDo: boolean): number {
    const now = this.now();
    const ended = finished + retries;
    if (this.rested || nothingToDo || ended !== this.ended) this.since = now;
    this.rested = nothingToDo;
    this.ended = ended;
    return now - this.since;
  }

  /** Records of its own partitions that it hasn't finished; other members of the group have theirs. */
  private async untaken({ topic, group }: EventStrategyStats): Promise<number> {
    const own = new Set(this.strategy.owned);
    const lags = await this.transport.lag(topic, group);
    return lags.reduce(
      (sum, { partition, end, committed }) => sum + (own.has(partition) ? end - committed : 0),
      0,
    );
  }
}
