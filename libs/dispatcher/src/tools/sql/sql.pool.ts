import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { NonRetryableError, RetryableError } from '#contracts';
import type { FromWorker, SqlRequest, SqlRows, SqlWorkerData, ToWorker } from './sql.protocol.js';
import { sqlWorkerSource } from './sql.worker.js';

export interface SqlPoolOptions {
  /** `file:///…?mode=ro` */
  url: string;
  /** queries at once; each worker has a connection of its own */
  workers: number;
  rowLimit: number;
  timeLimitMs: number;
}

interface Job {
  request: SqlRequest;
  resolve: (rows: SqlRows) => void;
  reject: (error: Error) => void;
  signal: AbortSignal;
  onAbort: () => void;
}

interface Seat {
  worker: Worker;
  job: Job | undefined;
  /** gives the worker up when even an interrupt doesn't end its query */
  watchdog: NodeJS.Timeout | undefined;
}

const INTERRUPTED = 'SQLITE_INTERRUPT';
/** An interrupt ends a query within milliseconds. */
const GIVE_UP_MS = 5_000;

const meaning = (error: { code: string; message: string; timedOut: boolean }, timeLimitMs: number): Error => {
  if (error.timedOut)
    return new NonRetryableError(
      `the query ran for more than ${timeLimitMs} ms and was stopped; ask for less`,
    );
  if (error.code === INTERRUPTED) return new RetryableError('the query was stopped');
  if (error.code.startsWith('SQLITE_BUSY') || error.code.startsWith('SQLITE_LOCKED'))
    return new RetryableError(`the database is busy: ${error.message}`);
  return new NonRetryableError(`SQLite refused the query: ${error.message} (${error.code})`);
};

/**
 * A few threads, each with a read-only connection; a query never runs on the event loop. A worker isn't terminated
 * while the library works, that would end the process: it is interrupted.
 */
export class SqlPool {
  private readonly seats = new Set<Seat>();
  private readonly queue: Job[] = [];
  private lastId = 0;
  private closed = false;

  constructor(private readonly options: SqlPoolOptions) {}

  /** Errors: `NonRetryableError` for a query that is wrong or takes too long; `RetryableError`: busy, stopped. */
  query(query: string, parameters: SqlRequest['parameters'], signal: AbortSignal): Promise<SqlRows> {
    const { rowLimit, timeLimitMs } = this.options;
    return new Promise((resolve, reject) => {
      const request: SqlRequest = { id: ++this.lastId, query, parameters, rowLimit, timeLimitMs };
      const job: Job = {
        request,
        resolve,
        reject,
        signal,
        onAbort: () => {
          this.abort(job);
        },
      };
      if (this.closed || signal.aborted) {
        reject(new RetryableError('the query was stopped'));
        return;
      }
      signal.addEventListener('abort', job.onAbort, { once: true });
      this.queue.push(job);
      this.serve();
    });
  }

  /** Interrupts what runs and ends the threads. */
  async close(): Promise<void> {
    this.closed = true;
    for (const job of this.queue.splice(0))
      this.settle(job, () => job.reject(new RetryableError('the query was stopped')));
    await Promise.all(
      [...this.seats].map(
        (seat) =>
          new Promise<void>((resolve) => {
            seat.worker.once('exit', () => resolve());
            this.tell(seat, { kind: 'close' });
          }),
      ),
    );
  }

  private serve(): void {
    while (this.queue.length > 0) {
      let seat = [...this.seats].find((s) => s.job === undefined);
      if (seat === undefined) {
        if (this.seats.size >= this.options.workers) return;
        seat = this.open();
      }
      const job = this.queue.shift();
      if (job === undefined) return;
      seat.job = job;
      const busy = seat;
      seat.watchdog = setTimeout(() => {
        this.giveUp(busy);
      }, this.options.timeLimitMs + GIVE_UP_MS).unref();
      this.tell(seat, { kind: 'query', request: job.request });
    }
  }

  private open(): Seat {
    const workerData: SqlWorkerData = {
      library: createRequire(import.meta.url).resolve('libsql/promise'),
      url: this.options.url,
    };
    const worker = new Worker(sqlWorkerSource, { eval: true, workerData });
    const seat: Seat = { worker, job: undefined, watchdog: undefined };
    worker.on('message', (answer: FromWorker) => {
      this.answered(seat, answer);
    });
    worker.on('error', (error) => {
      this.leave(
        seat,
        new NonRetryableError(`the database can't be opened or read: ${error.message}`, { cause: error }),
      );
    });
    worker.on('exit', () => {
      this.leave(seat, new RetryableError('the thread of the query ended'));
    });
    // a thread that waits for work keeps no process alive
    worker.unref();
    this.seats.add(seat);
    return seat;
  }

  private answered(seat: Seat, answer: FromWorker): void {
    const { job } = seat;
    if (job?.request.id !== answer.id) return;
    this.free(seat);
    this.settle(job, () => {
      if ('rows' in answer) job.resolve(answer.rows);
      else job.reject(meaning(answer.error, this.options.timeLimitMs));
    });
    this.serve();
  }

  private abort(job: Job): void {
    const at = this.queue.indexOf(job);
    if (at >= 0) {
      this.queue.splice(at, 1);
      this.settle(job, () => job.reject(new RetryableError('the query was stopped')));
      return;
    }
    for (const seat of this.seats)
      if (seat.job === job) this.tell(seat, { kind: 'interrupt', id: job.request.id });
  }

  /** The thread is left to itself, another takes its seat. */
  private giveUp(seat: Seat): void {
    this.leave(
      seat,
      new NonRetryableError(`the query ran for more than ${this.options.timeLimitMs} ms; ask for less`),
    );
    this.tell(seat, { kind: 'close' });
  }

  private leave(seat: Seat, error: Error): void {
    const { job } = seat;
    this.seats.delete(seat);
    this.free(seat);
    if (job !== undefined) this.settle(job, () => job.reject(error));
    this.serve();
  }

  private free(seat: Seat): void {
    clearTimeout(seat.watchdog);
    seat.watchdog = undefined;
    seat.job = undefined;
  }

  private settle(job: Job, how: () => void): void {
    job.signal.removeEventListener('abort', job.onAbort);
    how();
  }

  private tell({ worker }: Seat, message: ToWorker): void {
    worker.postMessage(message);
  }
}
