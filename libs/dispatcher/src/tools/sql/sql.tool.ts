import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DormouseError, NonRetryableError } from '#contracts';
import type { ToolDefinition } from '../../registry/tool.definition.js';
import { refusesQuery } from './sql.guard.js';
import { SqlPool } from './sql.pool.js';
import type { SqlValue } from './sql.protocol.js';

export interface SqlOptions {
  /** `sqlite:PATH` */
  url: string;
  /** default 2 */
  workers?: number;
  /** default 1000 */
  rowLimit?: number;
  /** default 25 s: below the tool's timeout, so that it is this that ends a query */
  timeLimitMs?: number;
}

export interface SqlParameters {
  query: string;
  parameters?: SqlValue[] | Record<string, SqlValue>;
}

/** `row_count`: of `rows`; `truncated`: there were more. */
export interface SqlResult {
  columns: string[];
  rows: (string | number | null)[][];
  row_count: number;
  truncated: boolean;
}

const MAGIC = 'SQLite format 3\0';

const wrong = (what: string, cause?: unknown): DormouseError =>
  new DormouseError('invalid_settings', `DORMOUSE_SQL_URL: ${what}`, cause === undefined ? {} : { cause });

/** The path of a database that is there. */
const databaseAt = (url: string): string => {
  if (/^postgres(ql)?:/.test(url))
    throw wrong(
      'expected sqlite:PATH, got a postgres URL; this version serves SQLite files only. Copy what is needed into one, or leave the variable unset',
    );
  const path = /^sqlite:(.+)$/.exec(url)?.[1];
  if (path === undefined) throw wrong('expected sqlite:PATH');
  const full = resolve(path);
  const head = Buffer.alloc(MAGIC.length);
  let read: number;
  try {
    const file = openSync(full, 'r');
    try {
      read = readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw wrong(
      `expected an SQLite database at ${full}; ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
  // an empty file is a database without tables
  if (read > 0 && head.toString('latin1') !== MAGIC)
    throw wrong(`expected an SQLite database at ${full}, found another kind of file`);
  return full;
};

/**
 * The `sql_query` tool, and the end of its threads. Threads begin with the first query.
 *
 * Errors: `invalid_settings` for a URL that isn't `sqlite:` or leads to no database.
 */
export const sqlQueryTool = (
  options: SqlOptions,
): { definition: ToolDefinition<SqlParameters>; close: () => Promise<void> } => {
  const rowLimit = options.rowLimit ?? 1_000;
  const pool = new SqlPool({
    url: `${pathToFileURL(databaseAt(options.url)).href}?mode=ro`,
    workers: options.workers ?? 2,
    rowLimit,
    timeLimitMs: options.timeLimitMs ?? 25_000,
  });
  const value = { type: ['string', 'number', 'boolean', 'null'] };
  return {
    close: () => pool.close(),
    definition: {
      name: 'sql_query',
      description: `Asks the SQLite database one read-only question. Returns { columns, rows, row_count, truncated }; each row is an array in the order of columns; at most ${rowLimit} rows. Tables: SELECT name, sql FROM sqlite_schema.`,
      parameters: {
        type: 'object',
        properties: {
          query: { type: 'string', minLength: 1, description: 'one SELECT, WITH or VALUES statement' },
          parameters: {
            description: 'values for ? (an array) or for :name (an object)',
            anyOf: [
              { type: 'array', items: value },
              { type: 'object', additionalProperties: value },
            ],
          },
        },
        required: ['query'],
        additionalProperties: false,
      },
      effect: 'pure',
      run: async ({ query, parameters }, context): Promise<SqlResult> => {
        const refused = refusesQuery(query);
        if (refused !== undefined) throw new NonRetryableError(refused);
        const statement = query.replace(/[\s;]+$/, '');
        const { columns, rows, truncated } = await pool.query(statement, parameters ?? [], context.signal);
        return { columns, rows, row_count: rows.length, truncated };
      },
    },
  };
};
