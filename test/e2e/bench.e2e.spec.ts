import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
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
});
