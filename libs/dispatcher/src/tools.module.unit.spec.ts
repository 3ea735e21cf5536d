import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, Scope, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { IsString } from 'class-validator';
import { ToolCatalogue } from '#contracts';
import { Tool } from './registry/tool.decorator.js';
import type { ToolContext } from './registry/tool.definition.js';
import type { LoadedTools } from './registry/tool.files.js';
import { ToolRegistry } from './registry/tool.registry.js';
import { ToolsModule } from './tools.module.js';

const loaded = (more: Partial<LoadedTools> = {}): LoadedTools => ({
  definitions: [],
  modules: [],
  providers: [],
  ...more,
});
const start = async (tools: LoadedTools, providers: Type[] = []) => {
  const module = await Test.createTestingModule({
    imports: [ToolsModule.forRoot({ loaded: tools, httpAllow: [], resultLimitBytes: 1_000 })],
    providers,
  }).compile();
  module.useLogger(false);
  await module.init();
  return module;
};

class Greeting {
  @IsString()
  name!: string;
}
@Injectable()
class Words {
  readonly hello = 'hello';
}
const context = {} as ToolContext;

it('a field of a plain tool that means nothing is told at the start, as it may be misspelt', async () => {
  const tool = { name: 'a', description: 'a', parameters: {}, effect: 'pure' as const, run: () => 1 };
  const warnings: string[] = [];
  const definitions = [
    { definition: { ...tool, timeoutMs: 5 }, from: 'right.mjs' },
    { definition: { ...tool, name: 'b', timeout: 5 }, from: 'wrong.mjs' },
  ];
  const module = await Test.createTestingModule({
    imports: [
      ToolsModule.forRoot({ loaded: loaded({ definitions }), httpAllow: [], resultLimitBytes: 1_000 }),
    ],
  }).compile();
  module.useLogger({
    log: () => undefined,
    error: () => undefined,
    warn: (line: string) => warnings.push(line),
  });
  await module.init();
  await module.close();
  expect(warnings).toEqual([
    expect.stringMatching(/wrong\.mjs, tool b: timeout is no option of a tool.*timeoutMs/),
  ]);
});

describe('a provider with @Tool', () => {
  it('is found, with what was injected into it, also when it comes from a module of DORMOUSE_TOOLS', async () => {
    @Injectable()
    class Greeter {
      constructor(@Inject(Words) private readonly words: Words) {}
      @Tool({ name: 'greet', description: 'greets', parameters: Greeting, effect: 'pure' })
      greet(parameters: Greeting): string {
        return `${this.words.hello} ${parameters.name} ${String(parameters instanceof Greeting)}`;
      }
    }
    @Injectable()
    class Special extends Greeter {
      @Tool({
        name: 'probe_me',
        description: 'p',
        parameters: {},
        effect: 'irreversible',
        probe(this: Special) {
          return { outcome: 'done', result: this instanceof Special };
        },
      })
      probed(): number {
        return 1;
      }
    }
    @Module({ providers: [Words, Greeter] })
    class Theirs {}

    const module = await start(loaded({ modules: [Theirs] }));
    const tool = module.get(ToolRegistry).find('greet');
    expect(tool?.run({ name: 'you' }, context)).toBe('hello you true');
    expect(
      module
        .get(ToolCatalogue)
        .list()
        .map(({ name }) => name),
    ).toEqual(['wait', 'http_request', 'greet']);
    await module.close();

    const other = await start(loaded({ providers: [Words, Special] }));
    const registry = other.get(ToolRegistry);
    // inherited methods are tools as well
    expect(registry.find('greet')?.run({ name: 'you' }, context)).toBe('hello you true');
    expect(await registry.find('probe_me')?.probe?.({}, context)).toEqual({ outcome: 'done', result: true });
    await other.close();
  });

  it('of another scope stops the start', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {
      @Tool({ name: 'a', description: 'a', parameters: {}, effect: 'pure' })
      a(): number {
        return 1;
      }
    }
    await expect(start(loaded(), [PerRequest])).rejects.toThrow(
      /PerRequest: a provider with @Tool must have the default scope/,
    );
  });

  it('whose name is taken stops the start, and so does a compensation that is missing', async () => {
    @Injectable()
    class Twice {
      @Tool({ name: 'wait', description: 'a', parameters: {}, effect: 'pure' })
      a(): number {
        return 1;
      }
    }
    await expect(start(loaded(), [Twice])).rejects.toThrow(
      /^Twice.a: the tool name wait is taken already, by built in, wait/,
    );
    const definition = {
      name: 'book',
      description: 'b',
      parameters: {},
      effect: 'compensatable' as const,
      compensation: 'unbook',
      run: () => 1,
    };
    await expect(start(loaded({ definitions: [{ definition, from: 'file' }] }))).rejects.toMatchObject({
      code: 'tool_invalid',
    });
  });
});
