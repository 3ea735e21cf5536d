import type { Plan, SessionView, TimelineEntry } from '#contracts';
import { randomPlan } from '../random-plan.js';
import type { Fleet } from './fleet.js';

export interface Submitted {
  id: string;
  plan: Plan;
  /** when its 202 came; ms, this machine's clock */
  acceptedAt: number;
}

const AGAIN_MS = 50;
/** A process that is frozen takes a connection and answers nothing. */
const ANSWER_WITHIN_MS = 5_000;

/**
 * Sessions submitted at a steady pace, whether the earlier ones were answered or not. A submission that wasn't
 * accepted is repeated with its key at the next instance, until it is.
 */
export class Load {
  readonly accepted: Submitted[] = [];
  private readonly open = new Set<Promise<void>>();
  private failure: Error | undefined;
  private timer: NodeJS.Timeout | undefined;
  private next = 0;
  private abandoned = false;

  constructor(
    private readonly fleet: Fleet,
    private readonly random: () => number,
    private readonly name: string,
    private readonly longestToolMs: number,
  ) {}

  begin(perSecond: number): void {
    this.timer = setInterval(() => {
      const n = this.next++;
      const plan = randomPlan(this.random, this.longestToolMs);
      const submitting = this.submit(plan, `${this.name}-${n}`, n)
        .catch((error: unknown) => void (this.failure ??= error as Error))
        .finally(() => this.open.delete(submitting));
      this.open.add(submitting);
    }, 1_000 / perSecond);
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
    this.abandoned = true;
  }

  session(id: string): Promise<SessionView> {
    return this.get(`/v1/sessions/${id}`);
  }

  async timeline(id: string): Promise<TimelineEntry[]> {
    return (await this.get<{ entries: TimelineEntry[] }>(`/v1/sessions/${id}/timeline`)).entries;
  }

  private async submit(plan: Plan, key: string, n: number): Promise<void> {
    const { session_id: id } = await this.call<SessionView>(n, '/v1/sessions', 202, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ plan }),
    });
    this.accepted.push({ id, plan, acceptedAt: Date.now() });
  }

  private get<T>(path: string): Promise<T> {
    return this.call(0, path, 200, {});
  }

  /** Asks one instance after the other until one answers with the status; any answer but 503 is an error. */
  private async call<T>(first: number, path: string, status: number, request: RequestInit): Promise<T> {
    for (let i = first; !this.abandoned; i++) {
      const apis = this.fleet.of('api');
      const url = (apis[i % apis.length]?.runtime.url ?? '') + path;
      try {
        const response = await fetch(url, { ...request, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
        const text = await response.text();
        if (response.status === status) return JSON.parse(text) as T;
        if (response.status !== 503)
          throw new Error(`${path}: expected ${status}, got ${response.status} ${text}`);
      } catch (error) {
        // fetch: no connection, it was cut, or no answer (its errors are of another realm than the test's)
        const { name } = error as Error;
        if (name !== 'TypeError' && name !== 'TimeoutError') throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
    throw new Error(`${path}: the load was abandoned before an answer came`);
  }
}
