import { type ClaimKey, type ClaimRow, claimRules, type Verdict } from '#idempotency';
import { UndoLog } from './undo-log.js';

const idOf = ({ sessionId, intentId }: ClaimKey): string => `${sessionId}\n${intentId}`;

/** The claims of a server, by the same rules as the embedded driver's. */
export class ClaimRows {
  private readonly rows = new Map<string, string>();
  readonly undo = new UndoLog();

  /** @param now the server's clock */
  constructor(readonly now: () => number) {}

  get(key: ClaimKey): ClaimRow | null {
    const text = this.rows.get(idOf(key));
    return text === undefined ? null : (JSON.parse(text) as ClaimRow);
  }

  /** One move on one claim. */
  move<R>(
    key: ClaimKey,
    rule: (rules: typeof claimRules, row: ClaimRow | null, now: number) => Verdict<R>,
  ): R {
    const { reply, row } = rule(claimRules, this.get(key), this.now());
    if (row !== undefined) this.put(idOf(key), row === null ? undefined : JSON.stringify(row));
    return reply;
  }

  forget(keys: readonly ClaimKey[]): void {
    for (const key of keys) this.put(idOf(key), undefined);
  }

  expire(now: number, limit: number): number {
    const over = [...this.rows]
      .filter(([, text]) => {
        const { expiresAt } = JSON.parse(text) as ClaimRow;
        return expiresAt !== undefined && expiresAt <= now;
      })
      .slice(0, limit);
    for (const [id] of over) this.put(id, undefined);
    return over.length;
  }

  /** Those that no time ends. */
  endless(): ClaimKey[] {
    return [...this.rows].flatMap(([id, text]) => {
      const { expiresAt } = JSON.parse(text) as ClaimRow;
      const [sessionId = '', intentId = ''] = id.split('\n');
      return expiresAt === undefined ? [{ sessionId, intentId }] : [];
    });
  }

  private put(id: string, text: string | undefined): void {
    const before = this.rows.get(id);
    this.undo.add(this.now(), () => {
      this.set(id, before);
    });
    this.set(id, text);
  }

  private set(id: string, text: string | undefined): void {
    if (text === undefined) this.rows.delete(id);
    else this.rows.set(id, text);
  }
}
