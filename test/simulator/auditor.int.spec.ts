import { expect, it } from '@jest/globals';
import { type Around, runSchedule, type SimulatorOptions } from '#simulator';
import type { Commit, SessionStore, WakeAudit } from '#state';
import { quietly } from './quietly.js';

const SCHEDULES = 250;

quietly();

/** Counts what the auditors repair, with each commit changed. */
const auditing = (change: (commit: Commit) => Commit = (commit) => commit) => {
  const seen = { repairs: 0 };
  const around: Around = {
    ports: (ports) => {
      const real = ports.sessions;
      const audit = Object.assign(Object.create(real.audit) as WakeAudit, {
        repair: async (violation: Parameters<WakeAudit['repair']>[0]) => {
          const repaired = await real.audit.repair(violation);
          if (repaired) seen.repairs++;
          return repaired;
        },
      });
      const sessions = Object.assign(Object.create(real) as SessionStore, {
        audit,
        commit: (commit: Commit) => real.commit(change(commit)),
      });
      return { ...ports, sessions };
    },
  };
  return { around, seen };
};

const findings = async (options: SimulatorOptions): Promise<string[]> => {
  const found: string[] = [];
  for (let seed = 1; seed <= SCHEDULES; seed++)
    for (const { promise, what } of (await runSchedule(seed, options)).findings)
      found.push(`${seed} ${promise}: ${what}`);
  return found;
};

it('schedules in which auditors take part keep every promise, and give them nothing to repair', async () => {
  const { around, seen } = auditing();
  expect(await findings({ audits: true, around })).toEqual([]);
  expect(seen.repairs).toBe(0);
});

it('sessions of which every commit loses the wake-up come to their end, late perhaps', async () => {
  const { around, seen } = auditing((commit) => ({ ...commit, wakeAt: null }));
  expect(await findings({ audits: true, around, forgives: ['in_time'] })).toEqual([]);
  expect(seen.repairs).toBeGreaterThan(SCHEDULES / 5);
});

it('and without auditors they do not', async () => {
  const { around } = auditing((commit) => ({ ...commit, wakeAt: null }));
  expect(await findings({ around, forgives: ['in_time'] })).not.toEqual([]);
});
