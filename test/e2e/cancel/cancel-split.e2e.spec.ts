import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, RuntimeProcess, type TempDir, tempDir } from '#testing';
import { SERVER_START_MS } from '#testing/servers';
import { freshNames, sharedServers } from '../on-servers.js';
import { CELLS } from './cells.js';
import { playCell } from './play-cell.js';
import { Stage } from './stage.js';

const ROLES = ['api', 'commander', 'dispatcher', 'dispatcher', 'scheduler'];

/** On Kafka and Redis, each role in processes of its own: a cancel goes from one to the other by the log and the claims. */
describe('with each role in a process of its own', () => {
  let folder: TempDir;
  let processes: RuntimeProcess[] = [];
  let stage: Stage;
  const env = (): Record<string, string> => ({
    DORMOUSE_TOOLS: './test/e2e/cancel/stage-tools.mjs',
    DORMOUSE_LEASE_MS: '3000',
    DORMOUSE_KAFKA_SESSION_MS: '3000',
    STAGE_FOLDER: folder.path,
  });
  beforeAll(async () => {
    folder = tempDir('cancel-split');
    const shared = { ...(await sharedServers()), ...freshNames(), ...env() };
    processes = await Promise.all(
      ROLES.map((role, index) =>
        RuntimeProcess.create({ ...shared, DORMOUSE_ROLES: role, DORMOUSE_INSTANCE: `part-${index}` }),
      ),
    );
    await Promise.all(processes.map((one) => one.start()));
    const urls = processes.map(({ url }) => url);
    stage = new Stage(
      urls[0] ?? '',
      folder.path,
      urls.filter((_url, index) => ROLES[index] === 'dispatcher'),
    );
  }, SERVER_START_MS);
  afterAll(async () => {
    await Promise.all(processes.map((one) => one.remove()));
    folder.remove();
  });

  describe.each(CELLS.filter(({ split }) => split === true))('a cancel at $name', (cell) => {
    it.each([
      ['leaves done what was done', false],
      ['undoes what was done', true],
    ] as const)('%s, and nothing new begins', (_what, compensate) => playCell(stage, cell, compensate));
  });

  it('runs no more of a tool than its concurrency says, whichever process runs it', async () => {
    const held = {
      id: 'held',
      tool: 'do_narrow',
      parameters: { name: 'held', does: 'hold', on_abort: 'finishes' },
    };
    const ids = await Promise.all(Array.from({ length: 8 }, () => stage.submit({ plan: { steps: [held] } })));
    const at = (id: string) => stage.journal(id).map((line) => line.at);
    const running = () => ids.filter((id) => at(id).at(-1) === 'begin');
    const pids = new Set<number>();
    for (let ended = 0; ended < ids.length; ended++) {
      const id = await eventually(() => running()[0], {
        timeoutMs: 20_000,
        what: `the slot goes to number ${ended + 1}`,
      });
      pids.add(stage.journal(id)[0]?.pid ?? 0);
      stage.open(id, 'held');
      await stage.reaches(id, 'completed');
    }
    // one begins when the one before has ended
    const lines = stage.journal(...ids).filter((line) => line.at !== 'aborted');
    const told = lines.map((line) => line.at);
    expect(told).toEqual(ids.flatMap(() => ['begin', 'end']));
    expect(pids.size).toBe(2);
  });

  it('gives the slot of a dispatcher that was killed to another one', async () => {
    const step = (name: string) => ({
      plan: {
        steps: [{ id: name, tool: 'do_narrow', parameters: { name, does: 'hold', on_abort: 'finishes' } }],
      },
    });
    const dies = await stage.submit(step('dies'));
    await stage.begun(dies, 'dies');
    const next = await stage.submit(step('next'));
    const { pid } = stage.journal(dies)[0]!;
    process.kill(pid, 'SIGKILL');
    await stage.begun(next, 'next');
    expect(stage.journal(next)[0]!.pid).not.toBe(pid);
    stage.open(next, 'next');
    await stage.reaches(next, 'completed');
  });
});
