import { createHash } from 'node:crypto';
import { DormouseError } from '#contracts';
import type { Sessions, SubmitContext } from '#commander';
import type { Agenda } from '../world/agenda.js';
import type { Randomness } from '../world/randomness.js';
import type { Trace } from '../world/trace.js';
import type { Wish } from './scenario.js';

/** What a client was promised. */
export interface Promised {
  key: string;
  sessionId: string;
  /** a cancel was answered with 202, or its equal */
  cancelled: boolean;
}

/** What a client needs of the world. */
export interface ClientWorld {
  readonly agenda: Agenda;
  readonly random: Randomness;
  readonly trace: Trace | undefined;
  /** an api process that runs now, if there is one */
  api(): Sessions | undefined;
  /** what a client wants is nothing that can be asked for */
  refused(error: Error): void;
}

const WRONG: ReadonlySet<string> = new Set(['invalid_request', 'invalid_plan', 'no_brain']);
const PATIENCE_MS = 8_000;
const TRIES = 40;
const TENANT = 'default';

/** Somebody who submits a session and insists on it, as a client with an idempotency key does. */
export class Client {
  promised: Promised | undefined;
  /** calls that aren't over */
  private underWay = 0;

  constructor(
    private readonly world: ClientWorld,
    private readonly wish: Wish,
  ) {}

  get done(): boolean {
    return this.underWay === 0;
  }

  begin(): void {
    const { wish } = this;
    this.later(wish.atMs, () => {
      this.insist('submit', async (sessions) => {
        const { snapshot } = await sessions.submit(wish.submission, this.context());
        this.accepted(snapshot.session_id);
      });
    });
  }

  private accepted(sessionId: string): void {
    if (this.promised !== undefined) return;
    const { wish, world } = this;
    const promised = { key: wish.key, sessionId, cancelled: false };
    this.promised = promised;
    world.trace?.call(sessionId, `<${wish.key}>`);
    world.trace?.add('client', `${sessionId} is accepted`);
    const { cancel, againAfterMs } = wish;
    if (cancel !== undefined)
      this.later(cancel.afterMs, () => {
        this.insist('cancel', async (sessions) => {
          const { compensate } = cancel;
          await sessions.cancel(sessionId, { tenant: TENANT, compensate, reason: 'no more' });
          promised.cancelled = true;
          world.trace?.add('client', `the cancel of ${sessionId} is accepted`);
        });
      });
    if (againAfterMs !== undefined)
      this.later(againAfterMs, () => {
        this.insist('submit again', async (sessions) => {
          await sessions.submit(wish.submission, this.context());
        });
      });
  }

  private context(): SubmitContext {
    const { key } = this.wish;
    const traceId = createHash('md5').update(key).digest('hex');
    return {
      tenant: TENANT,
      idempotencyKey: key,
      caller: { traceId, spanId: traceId.slice(0, 16), sampled: false },
    };
  }

  private later(ms: number, run: () => void): void {
    this.underWay++;
    this.world.agenda.after(ms, () => {
      this.underWay--;
      run();
    });
  }

  /** Calls, and calls again, elsewhere perhaps, while it isn't known what became of it. */
  private insist(what: string, call: (sessions: Sessions) => Promise<void>, tries = TRIES): void {
    const { agenda, random } = this.world;
    const sessions = this.world.api();
    const state = { over: false };
    this.underWay++;
    const end = (again: boolean) => {
      if (state.over) return;
      state.over = true;
      this.underWay--;
      if (again && tries > 1)
        this.later(random.int(100, 3_000), () => {
          this.insist(what, call, tries - 1);
        });
    };
    agenda.after(PATIENCE_MS, () => {
      end(true);
    });
    if (sessions === undefined) {
      end(true);
      return;
    }
    call(sessions).then(
      () => {
        end(false);
      },
      (error: unknown) => {
        this.world.trace?.add('client', `${what}: ${String(error)}`);
        if (DormouseError.is(error) && WRONG.has(error.code)) this.world.refused(error);
        end(DormouseError.is(error) ? error.retryable : true);
      },
    );
  }
}
