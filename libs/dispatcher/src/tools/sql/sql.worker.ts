import type * as WorkerThreads from 'node:worker_threads';
import type { FromWorker, SqlRequest, SqlRows, SqlWorkerData, ToWorker } from './sql.protocol.js';

interface Statement {
  raw(on: boolean): Statement;
  safeIntegers(on: boolean): Statement;
  columns(): { name: string }[];
  all(...parameters: unknown[]): Promise<unknown[][]>;
}
interface Database {
  prepare(sql: string): Promise<Statement>;
  interrupt(): void;
  close(): void;
}

/**
 * The whole code of a worker thread: it is handed over as text (see {@link sqlWorkerSource}), so it uses nothing from
 * outside of itself.
 *
 * The library runs a statement up to its first row on a thread of its own, and can be interrupted meanwhile; the rows
 * after that block. So the query is materialised: all of its work comes before the first row.
 */
function sqlWorker(load: NodeJS.Require): void {
  const threads = load('node:worker_threads') as typeof WorkerThreads;
  const { parentPort } = threads;
  const { library, url } = threads.workerData as SqlWorkerData;
  const Library = load(library) as new (url: string) => Database;
  const database = new Library(url);
  let current: number | undefined;
  let stopping: NodeJS.Timeout | undefined;
  let closing = false;

  /** An interrupt between two statements is lost: it is repeated until the query has ended. */
  const interrupt = (): void => {
    database.interrupt();
    stopping ??= setInterval(() => {
      database.interrupt();
    }, 10);
  };

  const shown = (value: unknown): string | number | null => {
    if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
    return value as string | number | null;
  };

  const rowsOf = async ({ query, parameters, rowLimit }: SqlRequest): Promise<SqlRows> => {
    const bound = Array.isArray(parameters)
      ? parameters.map((v) => (typeof v === 'boolean' ? Number(v) : v))
      : Object.fromEntries(
          Object.entries(parameters).map(([k, v]) => [k, typeof v === 'boolean' ? Number(v) : v]),
        );
    // errors of syntax are told by the query as it was given
    const columns = (await database.prepare(query)).columns().map(({ name }) => name);
    const limit = String(rowLimit + 1);
    const statement = await database.prepare(
      `WITH dormouse_rows AS MATERIALIZED (SELECT * FROM (\n${query}\n) LIMIT ${limit}) SELECT * FROM dormouse_rows`,
    );
    const found = await statement.raw(true).safeIntegers(true).all(bound);
    const rows = found.slice(0, rowLimit).map((row) => row.map(shown));
    return { columns, rows, truncated: found.length > rowLimit };
  };

  const serve = async (request: SqlRequest): Promise<FromWorker> => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      interrupt();
    }, request.timeLimitMs);
    try {
      return { id: request.id, rows: await rowsOf(request) };
    } catch (error) {
      const { code, message } = error as { code?: string; message?: string };
      return {
        id: request.id,
        error: { code: code ?? 'SQLITE_ERROR', message: message ?? String(error), timedOut },
      };
    } finally {
      clearTimeout(timer);
      clearInterval(stopping);
      stopping = undefined;
    }
  };

  const end = (): void => {
    database.close();
    parentPort?.close();
  };

  parentPort?.on('message', (message: ToWorker) => {
    if (message.kind === 'query') {
      current = message.request.id;
      void serve(message.request).then((answer) => {
        current = undefined;
        parentPort.postMessage(answer);
        if (closing) end();
      });
    } else if (message.kind === 'interrupt') {
      if (current === message.id) interrupt();
    } else {
      closing = true;
      if (current === undefined) end();
      else interrupt();
    }
  });
}

/** Runs from the sources and from the build alike: a thread has no loader of ours. */
export const sqlWorkerSource = `(${sqlWorker.toString()})(require)`;
