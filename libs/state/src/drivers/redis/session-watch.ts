import { type RedisConnection } from '#redis';
import { type SessionKeys } from './session-keys.js';

/** A lost message is noticed after so long. */
const CHECK_MS = 1_000;
/** Sessions that one check asks for; with more watched at once it goes round. */
const CHECKED_AT_ONCE = 500;

interface Watched {
  calls: Set<() => void>;
  /** the timeline's length when it was last looked at */
  length: number;
  endListening: () => void;
}

/**
 * Who wants to know when a session's timeline grew: told by the session's channel, and, since a message may be lost
 * while a connection is down, by a look at the length of its timeline now and then.
 */
export class SessionWatch {
  private readonly sessions = new Map<string, Watched>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly redis: RedisConnection,
    private readonly keys: SessionKeys,
  ) {}

  /** Returns the end of the watching. */
  add(sessionId: string, changed: () => void): () => void {
    let watched = this.sessions.get(sessionId);
    if (watched === undefined) {
      const tell = (): void => this.tell(sessionId);
      const endListening = this.redis.channels().listen(this.keys.changed(sessionId), tell);
      watched = { calls: new Set(), length: 0, endListening };
      this.sessions.set(sessionId, watched);
    }
    const { calls } = watched;
    // its own function each time: the same one may watch twice
    const call = (): void => changed();
    calls.add(call);
    // a session may have grown between the first one's call and this one
    if (calls.size > 1) setImmediate(() => calls.has(call) && call());
    this.timer ??= setInterval(() => void this.check(), CHECK_MS);
    return () => {
      calls.delete(call);
      if (calls.size > 0 || this.sessions.get(sessionId)?.calls !== calls) return;
      this.sessions.get(sessionId)?.endListening();
      this.sessions.delete(sessionId);
      if (this.sessions.size === 0) this.stop();
    };
  }

  clear(): void {
    for (const { endListening } of this.sessions.values()) endListening();
    this.sessions.clear();
    this.stop();
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tell(sessionId: string): void {
    for (const call of [...(this.sessions.get(sessionId)?.calls ?? [])]) call();
  }

  private async check(): Promise<void> {
    const some = [...this.sessions].slice(0, CHECKED_AT_ONCE);
    // those that were looked at go to the end of the queue
    for (const [sessionId, watched] of some) {
      this.sessions.delete(sessionId);
      this.sessions.set(sessionId, watched);
    }
    await Promise.all(
      some.map(async ([sessionId, watched]) => {
        const key = this.keys.timeline(sessionId);
        const length = await this.redis.call((redis) => redis.llen(key)).catch(() => watched.length);
        if (length === watched.length) return;
        watched.length = length;
        this.tell(sessionId);
      }),
    );
  }
}
