import { isTerminal } from '#contracts';
import { type AuditNotes, WakeAudit, type WakeLook, type WakeLookQuery, type WakeViolation } from '#state';
import { copyOf, type Line } from './line.js';
import type { SessionRow, SessionRows } from './session-rows.js';

/** The audit of sessions on a simulated server, where a wake-up lies with its session. A place is the last session. */
export class SimulatedWakeAudit extends WakeAudit {
  constructor(
    private readonly server: SessionRows,
    private readonly line: Pick<Line, 'call'>,
  ) {
    super();
  }

  look({ place, limit, lateMs }: WakeLookQuery): Promise<WakeLook> {
    return this.line.call('audit', () => {
      const ids = [...this.server.rows.keys()].sort().filter((id) => place === null || id > place);
      const page = ids.slice(0, limit);
      const look: WakeLook = {
        sessions: {},
        violations: [],
        next: ids.length > limit ? (page.at(-1) ?? null) : null,
      };
      for (const sessionId of page) {
        const row = this.server.get(sessionId);
        if (row === undefined) continue;
        if (!isTerminal(row.status)) look.sessions[row.status] = (look.sessions[row.status] ?? 0) + 1;
        const violation = this.violationOf(sessionId, row, lateMs);
        if (violation !== null) look.violations.push(violation);
      }
      return look;
    });
  }

  repair({ fault, sessionId, at, version }: WakeViolation): Promise<boolean> {
    return this.line.call(`repair ${sessionId}: ${fault}`, () => {
      const row = this.server.get(sessionId);
      const live = row === undefined || isTerminal(row.status) ? null : row.version;
      if (fault === 'misplaced' || row?.wake !== at || live !== version) return false;
      this.server.setWake(sessionId, fault === 'orphaned' ? null : this.server.now());
      return true;
    });
  }

  take(holder: string, ttlMs: number): Promise<{ mine: boolean; notes: AuditNotes }> {
    return this.line.call('take the turn of the audit', () => {
      const turn = this.server.auditTurn;
      const mine = turn.holder === holder || turn.until <= this.server.now();
      if (mine) Object.assign(turn, { holder, until: this.server.now() + ttlMs });
      return { mine, notes: copyOf(turn.notes) };
    });
  }

  keep(holder: string, ttlMs: number, notes: AuditNotes): Promise<boolean> {
    const given = copyOf(notes);
    return this.line.call('keep the turn of the audit', () => {
      const turn = this.server.auditTurn;
      if (turn.holder !== holder) return false;
      Object.assign(turn, { until: this.server.now() + ttlMs, notes: given });
      return true;
    });
  }

  notes(): Promise<AuditNotes> {
    return this.line.call('notes of the audit', () => copyOf(this.server.auditTurn.notes));
  }

  private violationOf(sessionId: string, row: SessionRow, lateMs: number): WakeViolation | null {
    const { wake: at, ownAt, version } = row;
    if (isTerminal(row.status))
      return at === null ? null : { fault: 'orphaned', sessionId, at, version: null };
    if (at === null) return { fault: 'missing', sessionId, at, version };
    const isLate = ownAt !== null && at > Math.max(ownAt, this.server.now()) + lateMs;
    return isLate ? { fault: 'late', sessionId, at, version } : null;
  }
}
