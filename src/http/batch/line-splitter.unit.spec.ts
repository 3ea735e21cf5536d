import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Line, LineSplitter } from './line-splitter.js';

const LIMIT = 8;

const split = (chunks: readonly Buffer[], limit = LIMIT): string[] => {
  const splitter = new LineSplitter(limit);
  const lines: Line[] = chunks.flatMap((chunk) => splitter.push(chunk));
  return [...lines, ...splitter.end()].map((line) => (line === 'too_long' ? line : line.toString()));
};

describe('a stream of bytes', () => {
  it('is cut into the same lines wherever its chunks end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', 'ä') })),
        fc.array(fc.nat({ max: 40 })),
        (texts, cuts) => {
          const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
          const at = [...new Set([0, ...cuts.map((c) => c % (bytes.length + 1)), bytes.length])].sort(
            (a, b) => a - b,
          );
          const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
          const expected = texts.map((text) => (Buffer.byteLength(text) > LIMIT ? 'too_long' : text));
          expect(split(chunks)).toEqual(expected);
        },
      ),
    );
  });

  it('may end without a line break', () => {
    expect(split([Buffer.from('one\ntwo')])).toEqual(['one', 'two']);
    expect(split([Buffer.from('much too long')])).toEqual(['too_long']);
    expect(split([Buffer.from('one\n')])).toEqual(['one']);
  });

  it('holds no more than a line may have', () => {
    const splitter = new LineSplitter(LIMIT);
    for (let i = 0; i < 1000; i++) expect(splitter.push(Buffer.alloc(1024, 'x'))).toEqual([]);
    expect(JSON.stringify(splitter).length).toBeLessThan(200);
    expect(splitter.push(Buffer.from('\nok\n')).map(String)).toEqual(['too_long', 'ok']);
  });
});
