import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually, type TempDir, tempDir } from '#testing';
import { boot, type Booted } from '../http/booted.js';
import { commandLine } from '../http/command-line.js';
import { examine, faultsOf, findingOf, tellsWhatToDo } from './examined.js';

let dir: TempDir;
let app: Booted | undefined;
let environment: Record<string, string>;
const outer = { ...process.env };
beforeEach(() => {
  dir = tempDir();
  environment = { DORMOUSE_DATA_DIR: join(dir.path, 'data') };
});
afterEach(async () => {
  process.env = { ...outer };
  await app?.close();
  app = undefined;
  dir.remove();
});

describe('doctor, where a process runs on the embedded engine', () => {
  it('finds all well, by way of the process that has the folder', async () => {
    app = await boot({ ...environment, DORMOUSE_AUDIT_MS: '100' });
    const { url } = app;
    const diagnosis = await eventually(async () => {
      const one = await examine(environment, url);
      return one.findings.every(({ state }) => state === 'well') ? one : null;
    });
    expect(diagnosis.state).toBe('well');
    expect(findingOf(diagnosis, 'DORMOUSE_DATA_DIR')).toMatchObject({
      detail: expect.stringContaining(`in use by process ${process.pid}`),
    });
    expect(diagnosis.findings.map(({ check }) => check)).toEqual([
      'DORMOUSE_DATA_DIR',
      'DORMOUSE_DURABILITY',
      'server',
      'readiness',
      'lost claims',
      'repaired wake-ups',
      'parked sessions',
      'dead letters of default',
    ]);
  });

  it('tells of parked sessions, as a table and as JSON, and by its exit code', async () => {
    app = await boot({ ...environment, DORMOUSE_AUDIT_MS: '100' });
    const { session_id: id } = await app.submit({ plan: { steps: [{ id: 'a', tool: 'lose_track' }] } });
    await app.reaches(id, 'parked');
    const { url } = app;
    await eventually(
      async () => findingOf(await examine(environment, url), 'parked sessions').state === 'risk',
    );
    process.env.DORMOUSE_DATA_DIR = environment.DORMOUSE_DATA_DIR;
    const forPeople = await commandLine(url, ['doctor'], 120);
    expect(forPeople.code).toBe(8);
    expect(forPeople.out).toMatch(/! +parked sessions +1 of all tenants/);
    expect(forPeople.out).toMatch(/to do: .*dormouse resolve/);
    const forMachines = await commandLine(url, ['doctor', '--json']);
    expect(forMachines.code).toBe(8);
    expect(JSON.parse(forMachines.out)).toMatchObject({
      state: 'risk',
      findings: expect.arrayContaining([
        expect.objectContaining({ check: 'parked sessions', state: 'risk' }),
      ]),
    });
  });

  it('says so when that process does not answer', async () => {
    app = await boot(environment);
    const diagnosis = await examine(environment);
    expect(diagnosis.state).toBe('unreachable');
    tellsWhatToDo(findingOf(diagnosis, 'server'));
  });
});

describe('doctor, where nothing runs', () => {
  it('finds a folder that can be used, and says what it could not look at', async () => {
    const diagnosis = await examine(environment);
    expect(faultsOf(diagnosis)).toEqual([]);
    expect(findingOf(diagnosis, 'server').state).toBe('unknown');
    expect(diagnosis.state).toBe('well');
  });

  it('finds a folder that can not', async () => {
    const file = join(dir.path, 'file');
    writeFileSync(file, '');
    const diagnosis = await examine({ DORMOUSE_DATA_DIR: join(file, 'data') });
    expect(diagnosis.state).toBe('wrong');
    tellsWhatToDo(findingOf(diagnosis, 'DORMOUSE_DATA_DIR'));
  });

  it('names wrong settings as a start does, and misspelt ones', async () => {
    const wrong = await examine({ KAFKA_BROKERS: '127.0.0.1:9092', PORT: '3000' });
    expect(wrong.state).toBe('settings');
    tellsWhatToDo(findingOf(wrong, 'REDIS_URL'));
    const misspelt = await examine({ ...environment, DORMOUSE_LEASE: '1000' });
    expect(misspelt.state).toBe('risk');
    expect(faultsOf(misspelt)).toEqual([
      expect.objectContaining({ came: expect.stringContaining('did you mean DORMOUSE_LEASE_MS') }),
    ]);
    process.env.PORT = 'none';
    process.env.DORMOUSE_DATA_DIR = environment.DORMOUSE_DATA_DIR;
    expect((await commandLine('http://127.0.0.1:9', ['doctor'])).code).toBe(1);
  });
});
