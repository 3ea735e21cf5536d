import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DynamicModule, Type } from '@nestjs/common';
import { toolInvalid } from './registered.tool.js';
import { shown } from './shown.js';
import { toolMethodsOf } from './tool.decorator.js';
import type { ToolDefinition } from './tool.definition.js';

/** What the files of DORMOUSE_TOOLS brought. */
export interface LoadedTools {
  /** plain tools, and the entry of DORMOUSE_TOOLS that each came from */
  definitions: { definition: ToolDefinition; from: string }[];
  modules: (Type | DynamicModule)[];
  /** classes with `@Tool` that are no modules */
  providers: Type[];
}

const EXPECTED =
  'expected it to export `tools: [{ name, description, parameters, effect, run }]`, a Nest module, or a class with @Tool methods';
const MODULE_KEYS = ['imports', 'providers', 'controllers', 'exports'];

const isClass = (value: unknown): value is Type =>
  typeof value === 'function' && value.prototype !== undefined;
const isModule = (value: Type): boolean => MODULE_KEYS.some((key) => Reflect.hasOwnMetadata(key, value));
const isDynamicModule = (value: unknown): value is DynamicModule =>
  typeof value === 'object' && value !== null && isClass((value as { module?: unknown }).module);
const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const kindOf = async (path: string): Promise<'file' | 'folder' | 'none'> => {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch {
    return 'none';
  }
};

/** A folder is a package that isn't installed: its package.json names the file. */
const entryOf = async (folder: string): Promise<string> => {
  let main: unknown;
  try {
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      main?: unknown;
      exports?: unknown;
    };
    main = typeof manifest.exports === 'string' ? manifest.exports : manifest.main;
  } catch {
    // no package.json, or an unreadable one: the usual names are tried
  }
  const names = typeof main === 'string' ? [main] : ['index.mjs', 'index.js'];
  for (const name of names)
    if ((await kindOf(resolve(folder, name))) === 'file') return resolve(folder, name);
  return join(folder, names[0] ?? 'index.mjs');
};

/** What to import for one entry of DORMOUSE_TOOLS: a file or folder from `cwd`, else a package. */
const importable = async (spec: string, cwd: string): Promise<string> => {
  const path = resolve(cwd, spec);
  const kind = await kindOf(path);
  if (kind === 'file') return pathToFileURL(path).href;
  if (kind === 'folder') return pathToFileURL(await entryOf(path)).href;
  if (/^[./]/.test(spec))
    throw toolInvalid(`DORMOUSE_TOOLS, ${spec}`, `expected a file or a package, found nothing at ${path}`);
  try {
    return pathToFileURL(createRequire(join(cwd, 'package.json')).resolve(spec)).href;
  } catch {
    return spec; // a package for `import` alone, or one installed beside this one
  }
};

const sort = (exports: Record<string, unknown>, from: string, into: LoadedTools): void => {
  let found = false;
  for (const [name, value] of Object.entries(exports)) {
    if (name === 'tools') {
      if (!Array.isArray(value)) throw toolInvalid(from, `tools: expected an array, got ${typeof value}`);
      value.forEach((definition: unknown, index) => {
        if (typeof definition !== 'object' || definition === null)
          throw toolInvalid(from, `tools[${index}]: expected an object, got ${shown(definition)}`);
        into.definitions.push({ definition: definition as ToolDefinition, from });
      });
    } else if (isDynamicModule(value) || (isClass(value) && isModule(value))) into.modules.push(value);
    else if (isClass(value) && toolMethodsOf(value).length > 0) into.providers.push(value);
    else continue;
    found = true;
  }
  if (!found) {
    const names = Object.keys(exports);
    throw toolInvalid(from, `${EXPECTED}; it exports ${names.length === 0 ? 'nothing' : names.join(', ')}`);
  }
};

/**
 * Loads the files and packages that DORMOUSE_TOOLS names, in order.
 *
 * @param specs ESM files or folders (relative to `cwd`), or packages
 * Errors: `tool_invalid`: which entry, what was expected of it, what came.
 */
export const loadToolModules = async (
  specs: readonly string[],
  cwd = process.cwd(),
): Promise<LoadedTools> => {
  const loaded: LoadedTools = { definitions: [], modules: [], providers: [] };
  for (const spec of specs) {
    const from = `DORMOUSE_TOOLS, ${spec}`;
    const target = await importable(spec, cwd);
    let exports: Record<string, unknown>;
    try {
      exports = (await import(target)) as Record<string, unknown>;
    } catch (error) {
      throw toolInvalid(from, `${EXPECTED}; importing it failed: ${text(error)}`, error);
    }
    sort(exports, from, loaded);
  }
  return loaded;
};
