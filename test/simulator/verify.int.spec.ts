import { describe, expect, it } from '@jest/globals';
import { type Summary, verify } from '#simulator';

const TRIP = {
  saga: true,
  plan: {
    steps: [
      { id: 'seat', tool: 'reserve', parameters: { seat: '12A' } },
      { id: 'bill', tool: 'charge', parameters: {} },
    ],
  },
};
const TOOLS = 'test/simulator/trip-tools.mjs';

describe('verify', () => {
  it('sums up what the schedules came to, and tells how far it is', async () => {
    const told: number[] = [];
    const summary = await verify({ seed: 1, schedules: 150 }, 1, ({ schedules }: Summary) => {
      told.push(schedules);
    });
    expect(told).toEqual([100, 150]);
    expect(summary).toMatchObject({ schedules: 150, broken: 0, findings: [] });
    const sessions = Object.values(summary.sessions).reduce((sum, count) => sum + count, 0);
    expect(sessions).toBeGreaterThanOrEqual(150);
    expect(Object.keys(summary.faults).length).toBeGreaterThan(10);
  });

  it('runs a plan and tools of somebody: undone whenever it was done', async () => {
    const summary = await verify({ seed: 1, schedules: 100, submission: TRIP, toolsFrom: TOOLS }, 1);
    expect(summary).toMatchObject({ schedules: 100, broken: 0 });
    expect(summary.sessions['compensated']).toBeGreaterThan(50);
    expect(summary.sessions['completed']).toBeUndefined();
  });

  it('has somebody asked about the calls of a plan of somebody, which stays as it is', async () => {
    const [seat] = TRIP.plan.steps;
    const submission = { plan: { steps: [{ ...seat!, approval: true }] } };
    const people = { messages: true, approvals: true };
    const summary = await verify({ seed: 1, schedules: 60, submission, toolsFrom: TOOLS, ...people }, 1);
    expect(summary).toMatchObject({ schedules: 60, broken: 0 });
    expect(summary.sessions['completed']).toBeGreaterThan(20);
    expect(summary.sessions['failed']).toBeGreaterThan(5);
  });

  it('says what is wrong with a plan that nobody would accept', async () => {
    const submission = { plan: { steps: [{ id: 'a', tool: 'nothing-like-that' }] } };
    await expect(verify({ seed: 1, schedules: 1, submission }, 1)).rejects.toThrow('nothing-like-that');
  });
});
