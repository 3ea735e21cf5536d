import { describe, expect, it } from '@jest/globals';
import { ROLES } from './config/index.js';
import { letOthersGoFirst, type Priorities } from './priority.js';

const from = (priority: number): Priorities & { now: number } => {
  const priorities = {
    now: priority,
    get: () => priorities.now,
    set: (next: number) => void (priorities.now = next),
  };
  return priorities;
};

describe('the priority of a process', () => {
  it.each([
    ['with all roles stays', ROLES, 0, 0],
    ['with an API stays', ['api', 'dispatcher'] as const, 0, 0],
    ['with timers stays', ['scheduler'] as const, 0, 0],
    ['that only works is lower', ['commander', 'dispatcher'] as const, 0, 10],
    ['that was given a lower one stays', ['dispatcher'] as const, 12, 12],
    ['that was given a higher one stays', ['dispatcher'] as const, -3, -3],
  ])('%s', (_, roles, before, after) => {
    const priorities = from(before);
    letOthersGoFirst(roles, priorities);
    expect(priorities.now).toBe(after);
  });

  it('is left as it is where the system refuses', () => {
    const refusing: Priorities = {
      get: () => 0,
      set: () => {
        throw new Error('EPERM');
      },
    };
    expect(() => letOthersGoFirst(['dispatcher'], refusing)).not.toThrow();
  });
});
