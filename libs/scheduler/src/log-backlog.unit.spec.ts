import { describe, expect, it } from '@jest/globals';
import { LogBacklog } from './log-backlog.js';

const topics = { intent: 'a', observation: 'b' };
const groups = { dispatcher: 'd', commander: 'c' };

describe('the backlog of the log', () => {
  it('is what both groups have not finished, asked for now and then', async () => {
    const standing: Record<string, number> = { 'a of d': 400, 'b of c': 599 };
    const asked: string[] = [];
    const backlog = new LogBacklog(
      {
        backlog: (topic, group) => {
          asked.push(`${topic} of ${group}`);
          return Promise.resolve(standing[`${topic} of ${group}`] ?? 0);
        },
      },
      { topics, groups },
    );
    expect(await backlog.isLarge(1_000)).toBe(false);
    standing['a of d'] = 401;
    expect(await backlog.isLarge(5_999)).toBe(false);
    expect(await backlog.isLarge(6_000)).toBe(true);
    expect(asked).toEqual(['a of d', 'b of c', 'a of d', 'b of c']);
  });

  it('is none while the log does not say', async () => {
    let isAway = false;
    const backlog = new LogBacklog(
      { backlog: () => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(1_000)) },
      { topics, groups },
    );
    expect(await backlog.isLarge(0)).toBe(true);
    isAway = true;
    expect(await backlog.isLarge(5_000)).toBe(false);
  });

  it("is nobody's when the groups are not known", async () => {
    const backlog = new LogBacklog({ backlog: () => Promise.reject(new Error('asked')) }, { topics });
    expect(await backlog.isLarge(0)).toBe(false);
  });
});
