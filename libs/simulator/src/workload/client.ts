import { createHash } from 'node:crypto';
import type { SubmitContext } from '#commander';
import type { Wish } from './scenario.js';
import { type Outside, Somebody, TENANT } from './somebody.js';

/** What a client was promised. */
export interface Promised {
  key: string;
  sessionId: string;
  /** a cancel was answered with 202, or its equal */
  cancelled: boolean;
}

/** Somebody who submits a session and insists on it, as a client with an idempotency key does. */
export class Client extends Somebody {
  promised: Promised | undefined;

  constructor(
    world: Outside,
    private readonly wish: Wish,
  ) {
    super(world);
  }

  begin(): void {
    const { wish } = this;
    this.later(wish.atMs, () => {
      this.insist('submit', async ({ sessions }) => {
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
    const { cancel, againAfterMs, writes = [] } = wish;
    writes.forEach(({ afterMs }, number) => {
      this.later(afterMs, () => this.write(sessionId, `${wish.key}.${number + 1}`));
    });
    if (cancel !== undefined)
      this.later(cancel.afterMs, () => {
        this.insist('cancel', async ({ sessions }) => {
          const { compensate } = cancel;
          await sessions.cancel(sessionId, { tenant: TENANT, compensate, reason: 'no more' });
          promised.cancelled = true;
          world.trace?.add('client', `the cancel of ${sessionId} is accepted`);
        });
      });
    if (againAfterMs !== undefined)
      this.later(againAfterMs, () => {
        this.insist('submit again', async ({ sessions }) => {
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
}
