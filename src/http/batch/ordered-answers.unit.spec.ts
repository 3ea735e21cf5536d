import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OrderedAnswers } from './ordered-answers.js';

/** Takes what is written when told to. */
class SlowReader extends Writable {
  readonly chunks: string[] = [];
  private pending: (() => void)[] = [];
  reading = true;

  constructor() {
    super({ highWaterMark: 16, decodeStrings: false });
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    if (this.reading) done();
    else this.pending.push(done);
  }

  read(): void {
    this.reading = true;
    for (const done of this.pending.splice(0)) done();
  }
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('answers', () => {
  it('go out in the order of their questions, in whichever order they become ready', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray([...Array(30).keys()], { minLength: 30 }), async (order) => {
        const output = new SlowReader();
        const answers = new OrderedAnswers(output);
        const ready: ((text: string) => void)[] = [];
        for (let i = 0; i < order.length; i++) answers.add(new Promise((resolve) => (ready[i] = resolve)), 1);
        for (const i of order) {
          ready[i]?.(`${i} `);
          if (i % 3 === 0) await turns(1);
        }
        await answers.written();
        expect(output.chunks.join('')).toBe(order.map((_, i) => `${i} `).join(''));
      }),
    );
  });

  it('that are ready together go out in one write', async () => {
    const output = new SlowReader();
    const answers = new OrderedAnswers(output);
    for (let i = 0; i < 100; i++) answers.add(Promise.resolve('x'), 1);
    await answers.written();
    expect(output.chunks).toEqual(['x'.repeat(100)]);
  });

  it('are held back, and no more questions asked, while nobody reads', async () => {
    const output = new SlowReader();
    output.reading = false;
    const answers = new OrderedAnswers(output);
    let asked = 0;
    let finished = false;
    const asking = (async () => {
      for (; asked < 5000; asked++) {
        if (answers.isFull()) await answers.room();
        answers.add(Promise.resolve('a longer answer\n'), 100);
      }
      await answers.written();
      finished = true;
    })();
    await turns(50);
    expect(asked).toBeLessThan(3000);
    output.read();
    await asking;
    expect(finished).toBe(true);
    expect(output.chunks.join('')).toHaveLength(5000 * 16);
  });

  it('are bounded in bytes too, yet one large question is always let in', () => {
    const answers = new OrderedAnswers(new SlowReader());
    const never = new Promise<string>(() => undefined);
    answers.add(never, 100 * 1024 * 1024);
    expect(answers.isFull()).toBe(true);
    expect(new OrderedAnswers(new SlowReader()).isFull()).toBe(false);
  });

  it('wait for nobody when the reader is gone', async () => {
    const output = new SlowReader();
    output.reading = false;
    const answers = new OrderedAnswers(output);
    for (let i = 0; i < 2000; i++) answers.add(new Promise(() => undefined), 1);
    const waiting = Promise.all([answers.room(), turns(1).then(() => output.destroy())]);
    await waiting;
    await answers.written();
    expect(answers.isFull()).toBe(false);
  });
});
