import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '#testing';
import { loadExternalTools } from './external.tools.js';
import { loadToolModules } from './tool.files.js';

let dir: TempDir;
beforeEach(() => {
  dir = tempDir('tools');
});
afterEach(() => dir.remove());
const file = (name: string, text: string): string => {
  writeFileSync(join(dir.path, name), text);
  return name;
};

describe('DORMOUSE_TOOLS', () => {
  const tool = `{ name: 'a', description: 'a', parameters: {}, effect: 'pure', run: () => 1 }`;

  it('loads files, folders and packages', async () => {
    file('a.mjs', `export const tools = [${tool}];`);
    mkdirSync(join(dir.path, 'folder'));
    file('folder/index.mjs', `export const tools = [];`);
    mkdirSync(join(dir.path, 'node_modules/pack'), { recursive: true });
    file('node_modules/pack/package.json', '{"name":"pack","type":"module","exports":"./x.js"}');
    file('node_modules/pack/x.js', `export const tools = [${tool}, ${tool}];`);
    const loaded = await loadToolModules(['./a.mjs', 'folder', 'pack'], dir.path);
    expect(loaded.definitions.map(({ from }) => from)).toEqual([
      'DORMOUSE_TOOLS, ./a.mjs',
      'DORMOUSE_TOOLS, pack',
      'DORMOUSE_TOOLS, pack',
    ]);
  });

  it.each([
    ['./missing.mjs', '', /^DORMOUSE_TOOLS, .\/missing.mjs: expected a file or a package, found nothing at /],
    ['no-such-package', '', /^DORMOUSE_TOOLS, no-such-package: expected it to export .* importing it failed/],
    ['./e.mjs', 'export const other = 1;', /it exports other$/],
    ['./e.mjs', '', /it exports nothing$/],
    ['./e.mjs', 'export const tools = 3;', /tools: expected an array, got number/],
    ['./e.mjs', 'export const tools = [3];', /tools\[0\]: expected an object, got 3/],
    ['./e.mjs', 'throw new Error("its own trouble");', /importing it failed: its own trouble/],
  ])('%s (%s) stops the start', async (spec, text, message) => {
    if (text !== '' || spec === './e.mjs') file('e.mjs', text);
    await expect(loadToolModules([spec], dir.path)).rejects.toMatchObject({
      code: 'tool_invalid',
      message: expect.stringMatching(message) as unknown,
    });
  });
});

describe('DORMOUSE_EXTERNAL_TOOLS', () => {
  const good = { name: 'theirs', description: 'd', parameters: { type: 'object' }, effect: 'irreversible' };
  it('is read', async () => {
    expect(await loadExternalTools(join(dir.path, file('x.json', JSON.stringify([good]))))).toEqual([good]);
  });
  it.each([
    ['{', /expected a JSON array/],
    ['{}', /expected a JSON array .* got object/],
    [JSON.stringify([good, { ...good, effect: 'nice', more: 1 }]), /entry 1: .*more: expected no such field/],
    [JSON.stringify([{ ...good, name: 'a b' }]), /entry 0: name: expected text that matches/],
  ])('%s stops the start', async (text, message) => {
    await expect(loadExternalTools(join(dir.path, file('x.json', text)))).rejects.toThrow(message);
  });
});
