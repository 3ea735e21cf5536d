import { describe, expect, it } from '@jest/globals';
import type { JsonObject, PlanStep } from '#contracts';
import { type FaultAt, type FaultKind, runSchedule, type Scenario, type ScheduleReport } from '#simulator';
import { quietly } from './quietly.js';

/** How far behind the first crash a second one comes at most, in calls: a restart and what it repeats. */
const SECOND_WITHIN = 12;
/** So many calls the shortest of the sagas makes at least. */
const LEAST_CALLS = 60;
const ENDS_OK: JsonObject[] = [{ ms: 20, ends: 'ok', does: 10 }];
const FAILS: JsonObject[] = [{ ms: 20, ends: 'fatal' }];
const UNSURE: JsonObject[] = [{ ms: 20, ends: 'unsure', does: 10 }];

const step = (id: string, tool: string, after: string[], acts: JsonObject[] = ENDS_OK): PlanStep => ({
  id,
  tool,
  after,
  parameters: { name: id, acts },
});
const undoneBy = (to: PlanStep, acts: JsonObject[] = ENDS_OK): PlanStep => ({
  ...to,
  compensation: { tool: 'unbook', parameters: { name: to.id, acts } },
});

/** Six steps: two branches of two between the first and the last, which fails. */
const trip = ({ seat = ENDS_OK, undoSeat = ENDS_OK } = {}): PlanStep[] => [
  step('flight', 'book', []),
  undoneBy(step('hotel', 'book', ['flight'])),
  undoneBy(step('seat', 'mark', ['flight'], seat), undoSeat),
  step('room', 'book', ['hotel']),
  undoneBy(step('meal', 'put', ['seat'])),
  step('bill', 'send', ['room', 'meal'], FAILS),
];

interface Saga {
  name: string;
  steps: PlanStep[];
  cancel?: Scenario['wishes'][number]['cancel'];
}
const SAGAS: Saga[] = [
  { name: 'its last step fails', steps: trip() },
  { name: 'a step in the middle may have been done or not', steps: trip({ seat: UNSURE }) },
  { name: 'an undoing never succeeds', steps: trip({ undoSeat: FAILS }) },
  { name: 'it is cancelled on its way', steps: trip(), cancel: { afterMs: 450, compensate: true } },
];

const ALL = ['api', 'commander', 'dispatcher', 'scheduler'] as const;
const PROCESSES: Record<string, Scenario['processes']> = {
  'one process': [{ name: 'a1', roles: ALL }],
  'a process for each half': [
    { name: 'c1', roles: ['api', 'commander', 'scheduler'] },
    { name: 'd1', roles: ['dispatcher'] },
  ],
};

const scheduleOf = (
  { steps, cancel }: Saga,
  processes: Scenario['processes'],
  exactly: readonly FaultAt[],
): Promise<ScheduleReport> =>
  runSchedule(1, {
    exactly,
    scenario: ({ settings }) => ({
      processes,
      habits: {},
      strays: [],
      settings: { ...settings, leaseMs: 3_000, partitions: 1, concurrency: 100, shutdownMs: 1_000 },
      wishes: [
        {
          key: 'trip',
          atMs: 0,
          submission: { saga: true, plan: { steps } },
          ...(cancel === undefined ? {} : { cancel }),
        },
      ],
    }),
  });

/** Each call goes wrong in a schedule of its own, the first, the second, until there are no more. */
const everyCall = async (
  run: (call: number) => Promise<ScheduleReport>,
): Promise<{ schedules: number; statuses: Set<string> }> => {
  const statuses = new Set<string>();
  for (let call = 0; ; call++) {
    const report = await run(call);
    expect({ call, findings: report.findings }).toEqual({ call, findings: [] });
    for (const status of Object.keys(report.statuses)) statuses.add(status);
    if (Object.keys(report.faults).length === 0) return { schedules: call, statuses };
  }
};

const KINDS: FaultKind[] = ['crash_before', 'crash_after', 'freeze_after', 'reply_lost'];

quietly();

describe('a saga of six steps with parallel branches', () => {
  describe.each(Object.entries(PROCESSES))('of %s', (_name, processes) => {
    it.each(SAGAS)('undoes each done step once, or stands parked: $name', async (saga) => {
      const seen = new Set<string>();
      let all = 0;
      for (const kind of KINDS) {
        const { schedules, statuses } = await everyCall((call) =>
          scheduleOf(saga, processes, [{ call, kind }]),
        );
        // the whole of a session's life, not the beginning alone
        expect(schedules).toBeGreaterThan(LEAST_CALLS);
        for (const status of statuses) seen.add(status);
        all += schedules;
      }
      process.stdout.write(`${saga.name}: ${all} schedules, ${[...seen].sort().join(', ')}\n`);
      // what is cancelled before anything was done has nothing to undo
      const allowed = ['compensated', 'parked', ...(saga.cancel === undefined ? [] : ['cancelled'])];
      expect(allowed).toEqual(expect.arrayContaining([...seen]));
      expect(seen).toContain('compensated');
    });
  });

  it('and after a crash while it recovers from a crash', async () => {
    const [saga] = SAGAS;
    const [processes] = Object.values(PROCESSES);
    if (saga === undefined || processes === undefined) throw new Error('expected a saga and processes');
    let all = 0;
    for (let behind = 1; behind <= SECOND_WITHIN; behind++) {
      const { schedules } = await everyCall((call) =>
        scheduleOf(saga, processes, [
          { call, kind: 'crash_after' },
          { call: call + behind, kind: 'crash_before' },
        ]),
      );
      all += schedules;
    }
    process.stdout.write(`two crashes: ${all} schedules\n`);
  });
});
