import type { HistoryEntry, Snapshot, ToolCatalogue } from '#contracts';
import type { SessionStore } from '#state';
import type { ThinkContext } from '../brain.js';
import type { ThinkingSessions, UnderWay } from '../thinking-sessions.js';

export interface ThinkScope {
  store: SessionStore;
  tools: ToolCatalogue;
  /** aborted when the process stops */
  stopped: () => AbortSignal;
}

/** Not `AbortSignal.any`: that keeps whoever listens, and all that he knows, for ever if neither is aborted. */
const abortWith = (controller: AbortController, other: AbortSignal): void => {
  const abort = () => {
    controller.abort(other.reason);
  };
  if (other.aborted) abort();
  else other.addEventListener('abort', abort, { once: true });
};

/** What a brain is told, and how it is interrupted. */
export class Think implements ThinkContext, UnderWay {
  /** a cancel was asked for while the brain was at it */
  cancelled = false;
  readonly observed: ThinkContext['observed'];
  private controller: AbortController | undefined;

  /** @param added what this step adds to the history, not written yet */
  constructor(
    private readonly scope: ThinkScope,
    readonly snapshot: Snapshot,
    private readonly added: readonly HistoryEntry[],
    readonly now: number,
    readonly resumed: boolean,
  ) {
    this.observed = added.filter((entry) => entry.kind === 'observation');
  }

  get tools(): ToolCatalogue {
    return this.scope.tools;
  }

  /** Made when it is asked for: a plan never does. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      abortWith(this.controller, this.scope.stopped());
      if (this.cancelled) this.cancel();
    }
    return this.controller.signal;
  }

  /** The process stops: what the brain made of that is no answer. */
  get interrupted(): boolean {
    return this.controller?.signal.aborted === true && !this.cancelled;
  }

  cancel(): void {
    this.cancelled = true;
    this.controller?.abort(new Error('the session was cancelled'));
  }

  async history(keys?: readonly string[]): Promise<HistoryEntry[]> {
    const { store } = this.scope;
    const { session_id } = this.snapshot;
    if (keys === undefined) return [...(await store.history(session_id)), ...this.added];
    const wanted = new Set(keys);
    const fresh = this.added.filter((entry) => wanted.delete(entry.key));
    if (wanted.size === 0) return fresh;
    return [...(await store.history(session_id, [...wanted])), ...fresh];
  }

  /** Waits for what a brain promised, listed as thinking meanwhile. */
  async listed<T>(thinking: ThinkingSessions, promised: Promise<T>): Promise<T> {
    thinking.begin(this.snapshot.session_id, this);
    try {
      return await promised;
    } finally {
      thinking.end(this.snapshot.session_id, this);
    }
  }
}
