import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { TimelineEntry } from '#contracts';
import { eventData } from './event-stream.js';
import { exitCodeOf } from './exit-codes.js';
import { runProgram } from './program.js';
import { entryLine } from './view/entry-line.js';
import { columnsOf, table } from './view/table.js';
import type { Terminal } from './view/terminal.js';

const recorder = (): Terminal & { out: string[]; err: string[] } => {
  const out: string[] = [];
  const err: string[] = [];
  return {
    out,
    err,
    columns: 80,
    live: false,
    print: (line) => void out.push(line),
    complain: (line) => void err.push(line),
    draw: () => undefined,
  };
};

/** Nobody listens on port 1. */
const NOWHERE = ['--url', 'http://127.0.0.1:1'];

describe('the command line', () => {
  it('documents its exit codes', async () => {
    const terminal = recorder();
    expect(await runProgram(['--help'], terminal)).toBe(0);
    const help = terminal.out.join('\n');
    for (const code of [0, 1, 2, 3, 4, 5, 6]) expect(help).toMatch(new RegExp(`^ +${code} `, 'm'));
    for (const command of ['start', 'submit', 'get', 'list', 'cancel', 'tools', 'verify'])
      expect(help).toContain(command);
  });

  it.each<[string, string[], number, RegExp]>([
    ['an unknown command', ['dance'], 1, /unknown command 'dance'/],
    ['an unknown option', ['list', '--everything'], 1, /unknown option/],
    ['a missing id', ['get'], 1, /missing required argument 'id'/],
    ['nothing to submit', [...NOWHERE, 'submit'], 1, /a file .*--plan FILE, --input TEXT/],
    ['two things to submit', [...NOWHERE, 'submit', 'a.json', '--input', 'b'], 1, /Expected one of/],
    ['a file that is not there', [...NOWHERE, 'submit', 'no-such-file.json'], 1, /no-such-file\.json/],
    ['a file that is no JSON', [...NOWHERE, 'submit', 'LICENSE'], 1, /Expected JSON in LICENSE/],
    [
      'a plan file without a plan',
      [...NOWHERE, 'submit', '--plan', 'package.json'],
      1,
      /Expected a plan in package\.json/,
    ],
    ['metadata without a value', [...NOWHERE, 'list', '--metadata', 'key'], 1, /key=value/],
    ['tools without a plan', ['verify', '--tools', 'tools.mjs'], 1, /--plan FILE/],
    [
      'schedules that are no number',
      ['verify', '--schedules', 'many'],
      1,
      /whole number from 1 on; came many/,
    ],
    ['a server URL that is none', ['--url', 'localhost', 'list'], 1, /DORMOUSE_URL: expected a URL/],
    [
      'a server that is not there',
      [...NOWHERE, 'list'],
      5,
      /Expected a Dormouse server at http:\/\/127\.0\.0\.1:1.*\n.*dormouse start/,
    ],
  ])('says what is wrong about %s', async (_what, args, code, complaint) => {
    const terminal = recorder();
    expect(await runProgram(args, terminal)).toBe(code);
    expect(terminal.err.join('\n')).toMatch(complaint);
    expect(terminal.out).toEqual([]);
  });

  it.each([
    ['completed', 0],
    ['failed', 2],
    ['parked', 3],
    ['cancelled', 4],
    ['compensated', 4],
  ] as const)('ends with the code of a followed session that is %s', (status, code) => {
    expect(exitCodeOf(status)).toBe(code);
  });
});

describe('a stream of server-sent events', () => {
  it('is read the same wherever its chunks end', async () => {
    const text =
      'retry: 1000\n\n: still here\n\nid: 1\ndata: {"a":"ä"}\n\ndata: two\ndata: lines\n\nid: 3\r\ndata:x\r\n\r\n';
    const bytes = Buffer.from(text);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: bytes.length })), async (cuts) => {
        const at = [...new Set([0, ...cuts, bytes.length])].sort((a, b) => a - b);
        async function* chunks() {
          for (const [i, end] of at.slice(1).entries()) yield bytes.subarray(at[i], end);
        }
        const data: string[] = [];
        for await (const event of eventData(chunks())) data.push(event);
        expect(data).toEqual(['{"a":"ä"}', 'two\nlines', 'x']);
      }),
    );
  });
});

describe('a table', () => {
  it('fits the terminal, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string(), fc.string()), { minLength: 1 }),
        fc.integer({ min: 40, max: 120 }),
        (rows, columns) => {
          const text = table([{ title: 'a' }, { title: 'b', right: true }, { title: 'c' }], rows, columns);
          const lines = text.split('\n');
          expect(lines).toHaveLength(rows.length + 2);
          for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  it('lines up wide characters', () => {
    expect(
      table(
        [{ title: 'name' }, { title: 'n', right: true }],
        [
          ['日本', '1'],
          ['Chad', '12'],
        ],
        80,
      ).split('\n'),
    ).toEqual(['name   n', '────  ──', '日本   1', 'Chad  12']);
  });
});

it('a line of the timeline cannot control the terminal', () => {
  const entry: TimelineEntry = {
    seq: 1,
    time: '2026-01-27T10:00:00.123Z',
    type: 'message',
    payload: { role: 'user', content: 'a\u001B[31mred\u0007\nb' },
  };
  expect(entryLine(entry, recorder())).toBe('10:00:00.123  » a·[31mred· b');
});
