import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { type TempDir, tempDir } from '#testing';
import type { ToolContext } from '../../registry/tool.definition.js';
import { type SqlOptions, type SqlParameters, type SqlResult, sqlQueryTool } from './sql.tool.js';

/** Runs for many seconds, and gives a row only now and then. */
const LONG =
  'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000000) SELECT x FROM c WHERE x % 100000000 = 0';

let dir: TempDir;
let url: string;
const open: ReturnType<typeof sqlQueryTool>[] = [];

beforeAll(() => {
  dir = tempDir('sql');
  const path = join(dir.path, 'a % b?.db');
  const database = new Database(path);
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, score REAL, photo BLOB);
    INSERT INTO users VALUES (1, 'Ada', 0.1, x'0102'), (2, 'Žižka', NULL, NULL), (9007199254740993, 'Big', 3.0, NULL);
    CREATE VIEW names AS SELECT name FROM users ORDER BY name;`);
  database.close();
  url = `sqlite:${path}`;
});
afterAll(() => dir.remove());
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

const make = (options: Partial<SqlOptions> = {}) => {
  const made = sqlQueryTool({ url, ...options });
  open.push(made);
  return (query: string, parameters?: SqlParameters['parameters'], signal = new AbortController().signal) =>
    made.definition.run(parameters === undefined ? { query } : { query, parameters }, {
      signal,
    } as ToolContext) as Promise<SqlResult>;
};

describe('a query', () => {
  it('is answered with columns and rows in their order', async () => {
    const ask = make();
    expect(await ask('SELECT name, score, name FROM users WHERE id < 10 ORDER BY id DESC;')).toEqual({
      columns: ['name', 'score', 'name'],
      rows: [
        ['Žižka', null, 'Žižka'],
        ['Ada', 0.1, 'Ada'],
      ],
      row_count: 2,
      truncated: false,
    });
  });

  it.each<[string, SqlParameters['parameters'], unknown[][]]>([
    ['SELECT name FROM users WHERE id = ?', [1], [['Ada']]],
    ['SELECT name FROM users WHERE id = :id AND score = :s', { id: 1, s: 0.1 }, [['Ada']]],
    ['SELECT ?, ?, ?, ?', [true, null, 'x', 1.5], [[1, null, 'x', 1.5]]],
    ['SELECT id FROM users WHERE name = ?', ['Big'], [['9007199254740993']]],
    ['SELECT photo FROM users WHERE id = 1', undefined, [['AQI=']]],
    [
      'VALUES (1, 2), (3, 4)',
      undefined,
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['WITH x AS (SELECT 1 AS one) SELECT one FROM x -- the end', undefined, [[1]]],
    ['/* first */ -- then\n SELECT 1', undefined, [[1]]],
    ['SELECT name FROM names', undefined, [['Ada'], ['Big'], ['Žižka']]],
    ["SELECT name FROM pragma_table_info('users') LIMIT 2", undefined, [['id'], ['name']]],
  ])('%s with %j', async (query, parameters, rows) => {
    expect((await make()(query, parameters)).rows).toEqual(rows);
  });

  it('over the row limit is cut, and says so', async () => {
    const ask = make({ rowLimit: 2 });
    expect(await ask('SELECT id FROM users')).toMatchObject({ row_count: 2, truncated: true });
    expect(await ask('SELECT id FROM users LIMIT 2')).toMatchObject({ row_count: 2, truncated: false });
  });

  it('sees what others have written since', async () => {
    const ask = make();
    expect((await ask('SELECT count(*) FROM users')).rows).toEqual([[3]]);
    const database = new Database(url.slice('sqlite:'.length));
    database.exec("INSERT INTO users VALUES (77, 'New', 1, NULL)");
    expect((await ask('SELECT count(*) FROM users')).rows).toEqual([[4]]);
    database.exec('DELETE FROM users WHERE id = 77');
    database.close();
  });
});

describe('what would write, or reach out, is refused', () => {
  it.each([
    "INSERT INTO users VALUES (5, 'x', 1, NULL)",
    'UPDATE users SET name = 1',
    'DELETE FROM users RETURNING id',
    'WITH x AS (SELECT 1) DELETE FROM users',
    'SELECT 1; DELETE FROM users',
    'SELECT 1) ; DELETE FROM users --',
    'PRAGMA query_only = OFF',
    'CREATE TEMP TABLE t (a)',
    "ATTACH 'other.db' AS other",
    "VACUUM INTO 'copy.db'",
    "SELECT writefile('/tmp/dormouse-written', 'x')",
    "SELECT \"writefile\"('/tmp/dormouse-written', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT * FROM fsdir('/')",
    "SELECT load_extension('x')",
    'EXPLAIN SELECT 1',
    'SELEC 1',
    'SELECT nothing FROM users',
    '   ',
  ])('%s', async (query) => {
    const ask = make();
    await expect(ask(query)).rejects.toMatchObject({ kind: 'non_retryable' });
    expect((await ask('SELECT count(*) FROM users')).rows).toEqual([[3]]);
    expect(existsSync('/tmp/dormouse-written')).toBe(false);
  });
});

describe('a long query', () => {
  it('is stopped at its time limit, without holding up the process or another query', async () => {
    const ask = make({ timeLimitMs: 300, workers: 2 });
    let late = 0;
    let before = performance.now();
    const watch = setInterval(() => {
      late = Math.max(late, performance.now() - before - 5);
      before = performance.now();
    }, 5);
    const long = expect(ask(LONG)).rejects.toMatchObject({
      kind: 'non_retryable',
      message: expect.stringMatching(/ran for more than 300 ms and was stopped/) as unknown,
    });
    expect((await ask('SELECT 1')).rows).toEqual([[1]]);
    await long;
    clearInterval(watch);
    // the query runs for many seconds: had it been on this thread, nothing else would have
    expect(late).toBeLessThan(2_000);
    expect((await ask('SELECT 1')).rows).toEqual([[1]]);
  });

  it('is stopped when its signal is aborted, running or waiting', async () => {
    const ask = make({ workers: 1 });
    const controller = new AbortController();
    const running = expect(ask(LONG, undefined, controller.signal)).rejects.toMatchObject({
      kind: 'retryable',
    });
    const waiting = expect(ask(LONG, undefined, controller.signal)).rejects.toMatchObject({
      kind: 'retryable',
    });
    setTimeout(() => controller.abort(), 100);
    await Promise.all([running, waiting]);
    expect((await ask('SELECT 1')).rows).toEqual([[1]]);
  });

  it('is stopped at the end of the process', async () => {
    const ask = make();
    const stopped = expect(ask(LONG)).rejects.toMatchObject({ kind: 'retryable' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await Promise.all(open.splice(0).map((one) => one.close()));
    await stopped;
  });
});

it('answers many questions with few threads', async () => {
  const ask = make({ workers: 2 });
  const answers = await Promise.all(Array.from({ length: 300 }, (_, n) => ask('SELECT ?', [n])));
  expect(answers.map(({ rows }) => rows[0]?.[0])).toEqual(Array.from({ length: 300 }, (_, n) => n));
});

describe('DORMOUSE_SQL_URL', () => {
  it.each([
    ['postgres://localhost/x', /this version serves SQLite files only/],
    ['sqlite:/nowhere/x.db', /expected an SQLite database at \/nowhere\/x.db; .*ENOENT/],
    ['mysql:x', /expected sqlite:PATH/],
  ])('%s stops the start', (wrong, message) => {
    expect(() => sqlQueryTool({ url: wrong })).toThrow(message);
  });
  it('a file of another kind stops the start', () => {
    const path = join(dir.path, 'text.db');
    writeFileSync(path, 'this is a text of more than sixteen bytes');
    expect(() => sqlQueryTool({ url: `sqlite:${path}` })).toThrow(/found another kind of file/);
  });
});
