import { eventually } from '#testing';
import type { Fleet } from './fleet.js';

/** How sessions are submitted to the instances of the api, and looked at. */
export interface ApiClient {
  /** The body of the answer with this status. */
  call<T>(path: string, status: number, request?: RequestInit): Promise<T>;
  /** Ends what it does by itself; calls under way are rejected. */
  close(): void;
}

const AGAIN_MS = 50;
/** A process that is frozen takes a connection and answers nothing. */
const ANSWER_WITHIN_MS = 5_000;
const LOOK_MS = 100;

/** As `fetch`, without its errors being of another realm than the test's. */
export const errorOf = (error: unknown): { name: string; code: string | undefined } => {
  const { name, cause } = error as { name: string; cause?: { code?: string } };
  return { name, code: cause?.code };
};

/** Asks one instance after the other until one answers with the status; any answer but 503 is an error. */
export class PatientClient implements ApiClient {
  private next = 0;
  private closed = false;

  constructor(private readonly fleet: Fleet) {}

  async call<T>(path: string, status: number, request: RequestInit = {}): Promise<T> {
    while (!this.closed) {
      const apis = this.fleet.of('api');
      const url = (apis[this.next++ % apis.length]?.runtime.url ?? '') + path;
      try {
        const response = await fetch(url, { ...request, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
        const text = await response.text();
        if (response.status === status) return JSON.parse(text) as T;
        if (response.status !== 503)
          throw new Error(`${path}: expected ${status}, got ${response.status} ${text}`);
      } catch (error) {
        // no connection, it was cut, or no answer
        if (!['TypeError', 'TimeoutError'].includes(errorOf(error).name)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
    throw new Error(`${path}: the client was closed before an answer came`);
  }

  close(): void {
    this.closed = true;
  }
}

/**
 * Does what a load balancer does: looks now and then which instances are ready, sends requests to those, keeps
 * connections, and goes to another instance when one can't be connected to. Nothing is repeated that was sent: any
 * answer with another status, and any connection that is cut, is an error.
 */
export class BalancedClient implements ApiClient {
  private readonly ready = new Set<string>();
  private readonly timer: NodeJS.Timeout;
  private next = 0;

  private constructor(private readonly fleet: Fleet) {
    this.timer = setInterval(() => void this.look(), LOOK_MS);
  }

  static async open(fleet: Fleet): Promise<BalancedClient> {
    const client = new BalancedClient(fleet);
    await client.look();
    return client;
  }

  async call<T>(path: string, status: number, request: RequestInit = {}): Promise<T> {
    const response = await this.send(path, request);
    const text = await response.text();
    if (response.status === status) return JSON.parse(text) as T;
    throw new Error(`${path}: expected ${status}, got ${response.status} ${text}`);
  }

  /** The answer of an instance that could be connected to. */
  async send(path: string, request: RequestInit = {}): Promise<Response> {
    for (;;) {
      // on a machine that is short of time none may look ready for a moment
      const ready = await eventually(() => (this.ready.size > 0 ? [...this.ready] : null), {
        what: 'an instance that is ready',
      });
      const url = ready[this.next++ % ready.length] ?? '';
      try {
        return await fetch(url + path, request);
      } catch (error) {
        if (errorOf(error).code !== 'ECONNREFUSED') throw error;
        this.ready.delete(url);
      }
    }
  }

  close(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    await Promise.all(
      this.fleet.of('api').map(async ({ runtime: { url } }) => {
        const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
        await answer?.text().catch(() => undefined);
        if (answer?.status === 200) this.ready.add(url);
        else this.ready.delete(url);
      }),
    );
  }
}
