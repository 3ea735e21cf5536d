import type { Snapshot } from '#contracts';
import { type RedisConnection } from '#redis';
import {
  type AuditNotes,
  NO_NOTES,
  WakeAudit,
  type WakeLook,
  type WakeLookQuery,
  type WakeViolation,
} from '../../audit/port.js';
import { auditTurnMove } from './moves/audit-turn.lua.js';
import { repairWakeMove } from './moves/repair-wake.lua.js';
import { decodeAsleep } from './session-codec.js';
import { type SessionKeys } from './session-keys.js';

/** What is known of a session without its snapshot. */
interface Line {
  sessionId: string;
  version: number;
  asleep: string | null;
}

/**
 * The audit of sessions in Redis: first a walk over the keys of all sessions, then over the entries of each part of the
 * wake index. A place is `sessions|<place of the walk>` or `wakes|<part>|<cursor>`.
 */
export class RedisWakeAudit extends WakeAudit {
  constructor(
    private readonly redis: RedisConnection,
    private readonly keys: SessionKeys,
  ) {
    super();
  }

  look({ place, limit, lateMs }: WakeLookQuery): Promise<WakeLook> {
    const [phase = 'sessions', ...rest] = place?.split('|') ?? [];
    if (phase === 'wakes') return this.lookAtWakes(Number(rest[0]), rest[1] ?? '0', limit);
    return this.lookAtSessions(rest.length === 0 ? null : rest.join('|'), limit, lateMs);
  }

  async repair({ fault, sessionId, at, version, where }: WakeViolation): Promise<boolean> {
    const { redis, keys } = this;
    const state = keys.state(sessionId);
    if (fault === 'misplaced')
      return (await redis.run(repairWakeMove, [where ?? ''], [sessionId, at ?? '', '', ''])) === 1;
    const isRemoved = fault === 'orphaned';
    const seen = isRemoved ? '' : String(version);
    const isSeen = async (): Promise<boolean> => (await this.liveVersion(state)) === seen;
    // on a cluster the session lies elsewhere: asked before, and again after
    if (redis.cluster && !(await isSeen())) return false;
    const wake = keys.wake(sessionId);
    const to = isRemoved ? '' : await redis.now();
    const touched = redis.cluster ? [wake] : [wake, state];
    if ((await redis.run(repairWakeMove, touched, [sessionId, at ?? '', to, seen])) !== 1) return false;
    if (redis.cluster) await this.makeUpFor(sessionId, state);
    return true;
  }

  async take(holder: string, ttlMs: number): Promise<{ mine: boolean; notes: AuditNotes }> {
    const reply = await this.redis.run(auditTurnMove, [this.keys.audit()], [holder, ttlMs, '', '']);
    const [mine, notes] = reply as [number, string];
    return { mine: mine === 1, notes: readNotes(notes) };
  }

  async keep(holder: string, ttlMs: number, notes: AuditNotes): Promise<boolean> {
    const args = [holder, ttlMs, 1, JSON.stringify(notes)];
    const [mine] = (await this.redis.run(auditTurnMove, [this.keys.audit()], args)) as [number, string];
    return mine === 1;
  }

  async notes(): Promise<AuditNotes> {
    return readNotes(await this.redis.call((redis) => redis.hget(this.keys.audit(), 'notes')));
  }

  private async lookAtSessions(place: string | null, limit: number, lateMs: number): Promise<WakeLook> {
    const { redis, keys } = this;
    const page = await redis.keys(place, keys.statePattern(), limit);
    const lines = await Promise.all(page.keys.map((key) => this.line(key)));
    const live = lines.filter((line) => line !== null);
    const [entries, now] = await Promise.all([this.entriesOf(live), redis.now()]);
    const look: WakeLook = {
      sessions: {},
      violations: [],
      next: page.next === null ? 'wakes|0|0' : `sessions|${page.next}`,
    };
    live.forEach(({ sessionId, version, asleep }, i) => {
      const { status, ownAt } = decodeAsleep(asleep);
      if (status !== null) look.sessions[status] = (look.sessions[status] ?? 0) + 1;
      const at = entries[i] ?? null;
      const isLate = at !== null && ownAt !== null && at > Math.max(ownAt, now) + lateMs;
      if (at === null || isLate)
        look.violations.push({ fault: at === null ? 'missing' : 'late', sessionId, at, version });
    });
    return look;
  }

  /** One part after the other, until enough entries were looked at. */
  private async lookAtWakes(first: number, from: string, limit: number): Promise<WakeLook> {
    const parts = this.keys.wakes();
    const look: WakeLook = { sessions: {}, violations: [], next: null };
    let looked = 0;
    let cursor = from;
    for (let part = first; part < parts.length; part++) {
      const where = parts[part] ?? '';
      do {
        if (looked >= limit) return { ...look, next: `wakes|${part}|${cursor}` };
        const at = cursor;
        const [next, flat] = await this.redis.call((redis) => redis.zscan(where, at, 'COUNT', limit));
        const entries: [sessionId: string, at: number][] = [];
        for (let i = 0; i < flat.length; i += 2) entries.push([flat[i] ?? '', Number(flat[i + 1])]);
        const checked = await Promise.all(entries.map(([id, time]) => this.checkEntry(where, id, time)));
        look.violations.push(...checked.filter((violation) => violation !== null));
        looked += entries.length;
        cursor = next;
      } while (cursor !== '0');
    }
    return look;
  }

  private async checkEntry(where: string, sessionId: string, at: number): Promise<WakeViolation | null> {
    const { keys } = this;
    if (keys.wake(sessionId) !== where) return { fault: 'misplaced', sessionId, at, version: null, where };
    const version = await this.liveVersion(keys.state(sessionId));
    return version === '' ? { fault: 'orphaned', sessionId, at, version: null } : null;
  }

  /** Null: it has ended, or is gone. */
  private async line(key: string): Promise<Line | null> {
    const [version, ended, asleep] = await this.redis.call((redis) =>
      redis.hmget(key, 'version', 'ended', 'asleep'),
    );
    if (typeof version !== 'string' || typeof ended === 'string') return null;
    const sessionId = this.keys.sessionOf(key) ?? (await this.idInside(key));
    return sessionId === null ? null : { sessionId, version: Number(version), asleep: asleep ?? null };
  }

  private async idInside(key: string): Promise<string | null> {
    const head = await this.redis.call((redis) => redis.hget(key, 'head'));
    return head === null ? null : (JSON.parse(head) as Pick<Snapshot, 'session_id'>).session_id;
  }

  /** In their order; one question for each part of the index. */
  private async entriesOf(lines: readonly Line[]): Promise<(number | null)[]> {
    const byPart = new Map<string, string[]>();
    for (const { sessionId } of lines) {
      const part = this.keys.wake(sessionId);
      byPart.set(part, [...(byPart.get(part) ?? []), sessionId]);
    }
    const found = new Map<string, number | null>();
    await Promise.all(
      [...byPart].map(async ([part, ids]) => {
        const times = await this.redis.call((redis) => redis.zmscore(part, ...ids));
        ids.forEach((id, i) => found.set(id, times[i] == null ? null : Number(times[i])));
      }),
    );
    return lines.map(({ sessionId }) => found.get(sessionId) ?? null);
  }

  /** Empty: it has ended, or isn't there. */
  private async liveVersion(state: string): Promise<string> {
    const [version, ended] = await this.redis.call((redis) => redis.hmget(state, 'version', 'ended'));
    return typeof version === 'string' && ended === null ? version : '';
  }

  /** On a cluster, after a repair: the session may have ended, or have come, in between. */
  private async makeUpFor(sessionId: string, state: string): Promise<void> {
    const { redis, keys } = this;
    const wake = keys.wake(sessionId);
    if ((await this.liveVersion(state)) === '') await redis.call((client) => client.zrem(wake, sessionId));
    else {
      const now = await redis.now();
      await redis.call((client) => client.zadd(wake, 'NX', now, sessionId));
    }
  }
}

const readNotes = (text: string | null): AuditNotes =>
  text === null || text === '' ? NO_NOTES : (JSON.parse(text) as AuditNotes);
