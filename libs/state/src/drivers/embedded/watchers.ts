/** Who wants to know when a session's timeline grew. */
export class Watchers {
  private readonly bySession = new Map<string, Set<() => void>>();

  /** Returns the end of the watching. */
  add(sessionId: string, changed: () => void): () => void {
    // its own function each time: the same one may watch twice
    const call = (): void => changed();
    let calls = this.bySession.get(sessionId);
    if (!calls) this.bySession.set(sessionId, (calls = new Set()));
    calls.add(call);
    return () => {
      calls.delete(call);
      if (calls.size === 0 && this.bySession.get(sessionId) === calls) this.bySession.delete(sessionId);
    };
  }

  tell(sessionId: string): void {
    // in a turn of its own: a watcher that throws is no concern of the committer
    const calls = this.bySession.get(sessionId);
    if (!calls) return;
    setImmediate(() => {
      for (const call of [...calls]) if (calls.has(call)) call();
    });
  }

  clear(): void {
    this.bySession.clear();
  }
}
