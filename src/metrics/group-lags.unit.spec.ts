import { expect, it } from '@jest/globals';
import type { GroupLag } from '#transport';
import { GroupLags } from './group-lags.js';

const names = [
  { topic: 'b', group: 'c' },
  { topic: 'a', group: 'd' },
];
const lag = (topic: string, end: number, committed: number, partition = 0): GroupLag => ({
  topic,
  partition,
  end,
  committed,
});
/** A log whose answers are the test's. */
const log = (answer: (topic: string) => Promise<GroupLag[]>) => {
  const asked: string[] = [];
  return {
    asked,
    lag: (topic: string, group: string) => {
      asked.push(`${topic} ${group}`);
      return answer(topic);
    },
  };
};

it('adds up the partitions of each group', async () => {
  const transport = log((topic) =>
    Promise.resolve([lag(topic, 10, 4), lag(topic, 7, 7, 1), lag(topic, 3, 1, 2)]),
  );
  const lags = await new GroupLags(transport, names).read();
  expect([...lags]).toEqual([
    [names[0], 8],
    [names[1], 8],
  ]);
});

it('asks once for all who scrape at about the same time', async () => {
  const transport = log((topic) => Promise.resolve([lag(topic, 1, 0)]));
  const lags = new GroupLags(transport, names);
  await Promise.all([lags.read(), lags.read()]);
  await lags.read();
  expect(transport.asked).toEqual(['b c', 'a d']);
});

it('asks again when what it knows is old', async () => {
  let end = 1;
  const lags = new GroupLags(
    log((topic) => Promise.resolve([lag(topic, end, 0)])),
    names,
    0,
  );
  await lags.read();
  end = 9;
  expect([...(await lags.read()).values()]).toEqual([9, 9]);
});

it('leaves out a group that cannot be asked, or that does not answer soon', async () => {
  const silent = () => new Promise<never>(() => undefined);
  const failing = () => Promise.reject(new Error('no broker'));
  for (const away of [silent, failing]) {
    const transport = log((topic) => (topic === 'b' ? away() : Promise.resolve([lag(topic, 2, 0)])));
    expect([...(await new GroupLags(transport, names, 0, 20).read())]).toEqual([[names[1], 2]]);
  }
});
