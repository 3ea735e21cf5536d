// The runtime under test: one process with all roles, or one of each role.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RuntimeProcess } from './runtime-process.mjs';

export const ROLES = ['api', 'commander', 'dispatcher', 'scheduler'];

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/**
 * @typedef {object} Server
 * @property {string} url of the REST API
 * @property {string} dataDir
 * @property {number} startedAt by `performance.now()`
 * @property {RuntimeProcess[]} processes in the order of the layout
 * @property {(roles: string[]) => Promise<void>} add one more process, ready
 * @property {(gone: RuntimeProcess, roles: string[]) => Promise<void>} replace a process that was told to leave
 * @property {() => number} cpuMs CPU time of its processes, all threads
 * @property {() => Promise<number>} residentBytes of its processes, after forced collections
 * @property {() => Promise<void>} stop
 */

/**
 * Resolves when all processes say that they are ready.
 *
 * @param {{ env?: Record<string, string>, layout?: string[][] }} [options] `layout`: the roles of each process, the API
 *   in the first
 * @returns {Promise<Server>}
 */
export const startServer = async ({ env = {}, layout = [ROLES] } = {}) => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'dormouse-bench-'));
  const common = {
    DORMOUSE_DATA_DIR: path.join(dataDir, 'engine'),
    DORMOUSE_TOOLS: './bench/tools.mjs',
    ...env,
  };
  const startedAt = performance.now();
  const start = (roles) =>
    RuntimeProcess.start(roles.join('-'), dataDir, { ...common, DORMOUSE_ROLES: roles.join(',') });
  const answers = await Promise.allSettled(layout.map(start));
  const processes = answers.flatMap(({ value }) => (value === undefined ? [] : [value]));
  const stop = async () => {
    await Promise.all(processes.map((process) => process.stop()));
    rmSync(dataDir, { recursive: true, force: true });
  };
  const failed = answers.find(({ status }) => status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return {
    url: processes[0].url,
    dataDir,
    startedAt,
    stop,
    processes,
    add: async (roles) => void processes.push(await start(roles)),
    replace: async (gone, roles) => {
      await gone.exited;
      processes[processes.indexOf(gone)] = await start(roles);
    },
    cpuMs: () => sum(processes.map((process) => process.cpuMs())),
    residentBytes: async () => sum(await Promise.all(processes.map((process) => process.residentBytes()))),
  };
};
