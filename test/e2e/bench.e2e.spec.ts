import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { tempDir } from '#testing';
import { SERVER_START_MS } from '#testing/servers';
import { sharedServers } from './on-servers.js';

const run = promisify(execFile);

/** What the bench printed: JSON lines alone, or this rejects. */
const lines = async (env: NodeJS.ProcessEnv, ...words: string[]): Promise<unknown[]> => {
  const { stdout } = await run(process.execPath, ['bench/run.mjs', ...words], {
    env: { ...process.env, ...env },
  });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
};

const figure: unknown = expect.any(Number);

describe('the bench', () => {
  let servers: NodeJS.ProcessEnv;
  beforeAll(async () => {
    servers = { ...(await sharedServers()), DORMOUSE_PARTITIONS: '2' };
  }, SERVER_START_MS);

  it('prints the figures of Kafka and Redis, one line a measure', async () => {
    expect(await lines(servers, 'kafka', 'drain', 'asleep', '--sessions', '5')).toEqual([
      expect.objectContaining({
        measure: 'drain',
        engine: 'kafka',
        sessions: 5,
        sessions_per_s: figure,
        cpu_ms_per_session: figure,
      }),
      expect.objectContaining({
        measure: 'asleep',
        engine: 'kafka',
        resident_bytes_per_session: figure,
        redis_bytes_per_session: figure,
      }),
    ]);
  });

  it('measures processes of one role each', async () => {
    expect(await lines(servers, 'kafka', 'latency', '--sessions', '5', '--split')).toEqual([
      expect.objectContaining({ measure: 'latency', engine: 'kafka', split: true, p50_ms: figure }),
    ]);
  });

  it('measures the embedded engine, whatever servers the environment names', async () => {
    expect(await lines(servers, 'embedded', 'slow-tool', '--sessions', '5')).toEqual([
      expect.objectContaining({ measure: 'slow-tool', engine: 'embedded', sessions: 5, seconds: figure }),
    ]);
  });

  it('measures how the cost of a step grows, what a burst takes, and what a dispatcher more or less changes', async () => {
    const growth = { measure: 'growth', step_ms_ratio: figure, bytes_ratio: figure };
    expect(await lines(servers, 'embedded', 'growth', '--sessions', '1')).toEqual([
      expect.objectContaining({ ...growth, engine: 'embedded' }),
    ]);
    expect(await lines(servers, 'kafka', 'burst', 'scale-out', 'pick-up', '--sessions', '5')).toEqual([
      expect.objectContaining({
        measure: 'burst',
        accepted_per_s: figure,
        drained_per_s: figure,
        growth_mb: figure,
        repeated_runs: 0,
      }),
      expect.objectContaining({ measure: 'scale-out', ratio: figure }),
      expect.objectContaining({ measure: 'pick-up', ms: figure, sigterm_ms: figure }),
    ]);
  });

  it('compares itself with what is installed beside it, in one table', async () => {
    const others = tempDir('others').path;
    const script = (cwd: string, file: string, text: string): void => {
      mkdirSync(join(others, cwd, 'node_modules'), { recursive: true });
      writeFileSync(join(others, cwd, file), text);
    };
    script('limit', 'limit.mjs', 'console.log(\'{"what":"limit","sessions_per_s":1000}\')');
    script(
      'peers/slow-peer',
      'run.sh',
      'echo "{\\"measure\\":\\"a_drain\\",\\"sessions_s\\":$BENCH_N}"; echo "{\\"measure\\":\\"b_latency_ms\\",\\"p50\\":70,\\"p99\\":90}"',
    );
    script('peers/broken', 'run.sh', 'exit 3');
    mkdirSync(join(others, 'peers/not-installed'));
    const { stdout } = await run(
      process.execPath,
      ['bench/run.mjs', 'compare', '--sessions', '20', '--rounds', '1', '--others', others],
      { env: { ...process.env, ...servers } },
    );
    const rows = stdout.split('\n').filter((line) => line.startsWith('| '));
    expect(rows.map((row) => row.split(' | ')[0])).toEqual([
      '| system',
      '| ---',
      '| Dormouse, embedded',
      '| Dormouse, kafka',
      '| limit',
      '| broken',
      '| slow-peer',
    ]);
    expect(rows[4]).toContain('| 1000 (1000..1000) |');
    expect(rows[5]).toContain('| – | – |');
    expect(rows[6]).toContain('| 20 (20..20) |');
    expect(rows[6]).toContain('| 70 (70..70) | 90 (90..90) |');
  });

  it.each([
    [['embedded', 'burst'], 'burst needs several processes'],
    [['kafka', 'drain', '--sessions', 'many'], '--sessions takes a number from 1, got many'],
    [['compare', '--round', '2'], 'expected an option of compare, got --round'],
    [['redis'], 'expected an engine, got redis'],
  ])('says what is wrong with %j', async (words, problem) => {
    await expect(lines({}, ...words)).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(problem),
    });
  });
});
