import { expect, it } from '@jest/globals';
import { Watchers } from './watchers.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('watchers are told of their session until they end, each for itself', async () => {
  const watchers = new Watchers();
  let calls = 0;
  const count = () => {
    calls++;
  };
  const [endFirst, endSecond] = [watchers.add('a', count), watchers.add('a', count)];
  watchers.tell('b');
  await turn();
  expect(calls).toBe(0);
  watchers.tell('a');
  await turn();
  expect(calls).toBe(2);
  endFirst();
  watchers.tell('a');
  endSecond();
  await turn();
  expect(calls).toBe(2);
});
