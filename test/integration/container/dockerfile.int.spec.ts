import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from '@jest/globals';

const lines = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

const instructions = lines('Dockerfile').map((line) => {
  const [name = '', ...words] = line.trim().split(/\s+/);
  return { name, words };
});
const last = instructions.findLastIndex(({ name }) => name === 'FROM');
const image = instructions.slice(last);

const argumentsOf = (name: string): string[] => {
  const { words = [] } = image.findLast((instruction) => instruction.name === name) ?? {};
  return JSON.parse(
    words.slice(words.indexOf(words.find((word) => word.startsWith('[')) ?? '')).join(' '),
  ) as string[];
};

const startFlags = async (): Promise<{ nodeFlags: (roles?: string) => string[] }> => {
  const { href } = pathToFileURL(resolve('scripts/node-flags.mjs'));
  return (await import(href)) as { nodeFlags: (roles?: string) => string[] };
};

it('builds on a small image of one Node release, in several stages', () => {
  const bases = instructions.filter(({ name }) => name === 'FROM').map(({ words }) => words[0]);
  expect(bases).toEqual(bases.map(() => 'node:22-slim'));
  expect(bases.length).toBeGreaterThan(1);
  expect(instructions).toContainEqual({ name: 'RUN', words: ['npm', 'ci', '--omit=dev'] });
});

it('runs the built program without the rights of root, as `npm start` does', async () => {
  expect(image.findLast(({ name }) => name === 'USER')?.words).toEqual(['node']);
  const { nodeFlags } = await startFlags();
  expect(argumentsOf('CMD')).toEqual(['node', ...nodeFlags(), '--enable-source-maps', 'dist/src/main.js']);
});

it.each([
  ['docker-compose.yml', 'commander'],
  ['docker-compose.single.yml', 'api, commander,dispatcher,scheduler'],
])('%s gives its containers the memory that `npm start` gives to such roles', async (file, roles) => {
  const { nodeFlags } = await startFlags();
  const [, words = ''] = /command:\s*\[\s*(node,[^\]]*)\]/.exec(readFileSync(file, 'utf8')) ?? [];
  expect(words.split(/[,\s]+/).filter((word) => word !== '')).toEqual([
    'node',
    ...nodeFlags(roles),
    '--enable-source-maps',
    'dist/src/main.js',
  ]);
});

it('copies what there is, and what .dockerignore lets through', () => {
  const admitted = lines('.dockerignore').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  for (const name of admitted) expect([name, existsSync(name)]).toEqual([name, true]);
  const copied = instructions
    .filter(({ name, words }) => name === 'COPY' && !words[0]?.startsWith('--from'))
    .flatMap(({ words }) => words.slice(0, -1))
    .filter((source) => source !== '.');
  expect(copied.length).toBeGreaterThan(0);
  for (const source of copied) expect(admitted).toContain(source);
});
