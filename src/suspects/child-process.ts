import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DormouseError } from '#contracts';
import type { ClaimKey, ClaimReply, ClaimRequest, SlotRequest } from '#idempotency';
import type { LogRecord } from '#transport';
import type { Storage } from '../storage.js';
import { type FromChild, METHODS, recordOnWire, type SuspectRole, type ToChild, toWire } from './wire.js';

const ENTRY = fileURLToPath(new URL('./child.js', import.meta.url));

/** How a child's work on a record ended; `carries_on`: it is finished, and its run goes on under its claim. */
export type ChildEnd = 'finished' | 'carries_on' | 'died' | 'ended';

/** A child process, seen from its parent: what it is told, what it asks for, and how it ends. */
export class SuspectChild {
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;
  private readonly ready: Promise<void>;
  private readonly held = new Map<string, { key: ClaimKey; token: string }>();
  /** by token: the tool whose slot it has */
  private readonly slots = new Map<string, string>();
  private trying: { offset: number; ended: (how: ChildEnd) => void } | undefined;
  private ending = false;
  private stopping = false;
  private gone = false;

  constructor(
    role: SuspectRole,
    private readonly storage: Storage,
  ) {
    this.child = fork(ENTRY, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.exited = new Promise((resolve) => {
      this.child.once('exit', () => {
        this.gone = true;
        resolve(this.buried());
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.child.on('message', (message) => {
        const said = message as FromChild;
        if (said.kind === 'ready') resolve();
        else if (said.kind === 'call') void this.serve(said);
        else if (said.offset === this.trying?.offset) this.settle(said.carriesOn ? 'carries_on' : 'finished');
      });
      this.child.once('error', reject);
      void this.exited.then(() =>
        reject(
          new DormouseError('unavailable', 'the child process for suspects ended before it was ready', {
            retryable: true,
          }),
        ),
      );
    });
    this.ready.catch(() => undefined);
    const { sessions, claims, transport } = storage;
    const capabilities = {
      sessions: sessions.capabilities,
      claims: claims.capabilities,
      transport: transport.capabilities,
    };
    this.send({ kind: 'begin', role, capabilities });
  }

  /** Resolves when the process has ended, and its leases with it. */
  get end(): Promise<void> {
    return this.exited;
  }

  get isGone(): boolean {
    return this.gone || this.ending;
  }

  /** Errors: `unavailable`: it didn't come to try it. */
  async try(record: LogRecord): Promise<ChildEnd> {
    await this.ready;
    if (this.isGone) return 'ended';
    return new Promise((resolve) => {
      this.trying = { offset: record.offset, ended: resolve };
      this.send({ kind: 'record', record: recordOnWire(record) });
    });
  }

  /** It ends when nothing runs in it any more, and tries nothing else. */
  retire(): void {
    this.ending = true;
    this.send({ kind: 'end', when: 'idle' });
  }

  /** Lets what runs end, for `graceMs` at most. */
  async stop(graceMs: number): Promise<void> {
    this.ending = true;
    this.stopping = true;
    this.send({ kind: 'end', when: 'now' });
    const timer = setTimeout(() => this.child.kill('SIGKILL'), graceMs);
    await this.exited;
    clearTimeout(timer);
  }

  private settle(how: ChildEnd): void {
    const { trying } = this;
    this.trying = undefined;
    trying?.ended(how);
  }

  /** It is surely dead: nobody has to wait for the leases that it had. What it still ran has killed it, unless we did. */
  private async buried(): Promise<void> {
    const { claims, slots } = this.storage;
    await Promise.allSettled([
      ...[...this.held.values()].map(({ key, token }) => claims.handBack(key, token, !this.stopping)),
      ...[...this.slots].map(([token, tool]) => slots.free(tool, token)),
    ]);
    this.settle(this.ending ? 'ended' : 'died');
  }

  private async serve({ call, port, method, args }: Extract<FromChild, { kind: 'call' }>): Promise<void> {
    try {
      if (!(METHODS[port] as readonly string[]).includes(method))
        throw new DormouseError('invalid_request', `a child for suspects may not call ${port}.${method}`);
      const target = this.storage[port] as unknown as Record<
        string,
        (...args: unknown[]) => Promise<unknown>
      >;
      const value = await target[method]?.(...args);
      if (port === 'claims' && method === 'claim')
        this.remember(args[0] as ClaimRequest, value as ClaimReply);
      if (port === 'slots') this.rememberSlot(method, args, value);
      this.send({ kind: 'answer', call, value });
    } catch (error) {
      this.send({ kind: 'answer', call, error: toWire(error) });
    }
  }

  private remember(request: ClaimRequest, { kind }: ClaimReply): void {
    if (kind !== 'claimed' && kind !== 'taken_over') return;
    const { sessionId, intentId, token } = request;
    this.held.set(token, { key: { sessionId, intentId }, token });
  }

  private rememberSlot(method: string, args: unknown[], value: unknown): void {
    if (method === 'free') this.slots.delete(String(args[1]));
    if (method !== 'take' || value !== 'taken') return;
    const { token, tool } = args[0] as SlotRequest;
    this.slots.set(token, tool);
  }

  private send(message: ToChild): void {
    // one that is gone is seen by its exit
    if (this.child.connected) this.child.send(message, () => undefined);
  }
}
