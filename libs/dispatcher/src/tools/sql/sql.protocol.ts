/** A value that SQLite can be given. */
export type SqlValue = string | number | boolean | null;

export interface SqlRequest {
  id: number;
  query: string;
  /** positional (`?`) or by name (`:name`, `@name`, `$name`) */
  parameters: SqlValue[] | Record<string, SqlValue>;
  rowLimit: number;
  timeLimitMs: number;
}

/** What the pool says to a worker. */
export type ToWorker =
  { kind: 'query'; request: SqlRequest } | { kind: 'interrupt'; id: number } | { kind: 'close' };

export interface SqlRows {
  columns: string[];
  /** in the order of `columns`; blobs as base64, integers beyond 2^53 as text */
  rows: (string | number | null)[][];
  truncated: boolean;
}

/** What a worker answers. */
export type FromWorker =
  { id: number; rows: SqlRows } | { id: number; error: { code: string; message: string; timedOut: boolean } };

/** Handed to a worker when it begins. */
export interface SqlWorkerData {
  /** absolute path of the library's asynchronous interface */
  library: string;
  /** `file:///…?mode=ro` */
  url: string;
}
