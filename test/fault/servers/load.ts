import type { Plan, SessionView, TimelineEntry } from '#contracts';
import { randomPlan } from '../random-plan.js';
import type { ApiClient } from './api-client.js';

export interface Submitted {
  id: string;
  plan: Plan;
  /** when its 202 came; ms, this machine's clock */
  acceptedAt: number;
}

/** How long, at random. */
export interface Rest {
  fromMs: number;
  toMs: number;
}

/**
 * Sessions submitted at a steady pace, whether the earlier ones were answered or not.
 */
export class Load {
  readonly accepted: Submitted[] = [];
  private readonly open = new Set<Promise<void>>();
  private failure: Error | undefined;
  private timer: NodeJS.Timeout | undefined;
  private next = 0;

  constructor(
    private readonly client: ApiClient,
    private readonly random: () => number,
    private readonly name: string,
    private readonly longestToolMs: number,
  ) {}

  begin(perSecond: number): void {
    this.timer = setInterval(() => void this.one(), 1_000 / perSecond);
  }

  /** So many more, all at once, each of which rests first; resolves when they are accepted. */
  async burst(sessions: number, { fromMs, toMs }: Rest): Promise<void> {
    await Promise.all(
      Array.from({ length: sessions }, () => {
        const ms = Math.floor(fromMs + this.random() * (toMs - fromMs));
        const rest = { id: 'rest', tool: 'wait', parameters: { ms } };
        return this.one({ steps: [rest, ...this.plan().steps] });
      }),
    );
  }

  /** No more is submitted; resolves when all that was has been accepted. */
  async end(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.open);
    if (this.failure !== undefined) throw this.failure;
  }

  /** No more is submitted, and nobody waits for what was. */
  abandon(): void {
    clearInterval(this.timer);
    this.client.close();
  }

  session(id: string): Promise<SessionView> {
    return this.client.call(`/v1/sessions/${id}`, 200);
  }

  async timeline(id: string): Promise<TimelineEntry[]> {
    const { entries } = await this.client.call<{ entries: TimelineEntry[] }>(
      `/v1/sessions/${id}/timeline`,
      200,
    );
    return entries;
  }

  private plan(): Plan {
    return randomPlan(this.random, this.longestToolMs);
  }

  private one(plan = this.plan()): Promise<void> {
    const submitting = this.submit(plan, `${this.name}-${this.next++}`)
      .catch((error: unknown) => void (this.failure ??= error as Error))
      .finally(() => this.open.delete(submitting));
    this.open.add(submitting);
    return submitting;
  }

  private async submit(plan: Plan, key: string): Promise<void> {
    const { session_id: id } = await this.client.call<SessionView>('/v1/sessions', 202, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ plan }),
    });
    this.accepted.push({ id, plan, acceptedAt: Date.now() });
  }
}
