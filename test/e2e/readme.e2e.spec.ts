import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { RuntimeProcess } from '#testing';
import { commandLine } from './http/command-line.js';

const lines = [...readFileSync('README.md', 'utf8').matchAll(/^```sh\n(.*?)^```/gms)].flatMap(
  ([, block = '']) => block.split('\n').map((line) => line.replace(/\s+#.*$/, '')),
);
const START = /^((?:[A-Z_]+=\S+ )+)npm start$/;
const CALL = /^npx dormouse (.+)$/;

let server: RuntimeProcess;
beforeAll(async () => {
  const settings = lines.map((line) => START.exec(line)?.[1]).find((found) => found !== undefined) ?? '';
  server = await RuntimeProcess.create(
    Object.fromEntries(
      settings
        .trim()
        .split(' ')
        .map((pair) => pair.split('=', 2) as [string, string]),
    ),
  );
  await server.start();
});
afterAll(() => server.remove());

it.each(lines.flatMap((line) => CALL.exec(line)?.[1] ?? []))(
  'README: dormouse %s does what it says, with the server that README starts',
  async (args) => {
    const { code, out, err } = await commandLine(server.url, args.split(' '));
    expect([code, err]).toEqual([0, '']);
    expect(out).not.toBe('');
  },
);
