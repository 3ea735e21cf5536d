import { DormouseError } from '#contracts';
import type { LogRecord, Trial } from '#transport';
import { Logger } from '@nestjs/common';
import type { Storage } from '../storage.js';
import { SuspectChild } from './child-process.js';
import type { SuspectRole } from './wire.js';

/** A child that nobody needs ends after so long; the next suspect may come a moment later. */
const IDLE_MS = 2_000;
/** What a child gets beyond the grace of its tools. */
const EXIT_MS = 3_000;

/** Tries suspects, one after the other, in a child process that is made when the first one comes. */
export class SuspectTrials implements Trial {
  private readonly logger = new Logger('Suspects');
  private child: SuspectChild | undefined;
  /** all that haven't ended; those that were retired may still have a long run */
  private readonly children = new Set<SuspectChild>();
  private idle: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly role: SuspectRole,
    private readonly storage: Storage,
    private readonly graceMs: number,
  ) {}

  async run(record: LogRecord): Promise<'finished' | 'killed'> {
    if (this.closed) throw closing();
    clearTimeout(this.idle);
    const place = `${record.topic}/${record.partition}/${record.offset}`;
    this.logger.warn(`${place} is tried alone: processes died while they had it in flight`);
    if (this.child === undefined || this.child.isGone) this.child = this.open();
    const end = await this.child.try(record);
    if (end === 'ended') throw closing();
    if (end === 'died') this.child = undefined;
    // the next one would not be alone beside a run that goes on
    else if (end === 'carries_on') this.retire();
    else this.idle = setTimeout(() => this.retire(), IDLE_MS).unref();
    this.logger.warn(`${place} ${end === 'died' ? 'killed its process' : 'was no cause of that'}`);
    return end === 'died' ? 'killed' : 'finished';
  }

  /** Lets what is tried end within the grace of the process. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.idle);
    await Promise.all([...this.children].map((child) => child.stop(this.graceMs + EXIT_MS)));
  }

  private open(): SuspectChild {
    const child = new SuspectChild(this.role, this.storage);
    this.children.add(child);
    void child.end.then(() => this.children.delete(child));
    return child;
  }

  private retire(): void {
    this.child?.retire();
    this.child = undefined;
  }
}

const closing = (): DormouseError =>
  new DormouseError('closed', 'the process is shutting down; the record goes to the next one', {
    retryable: true,
  });
