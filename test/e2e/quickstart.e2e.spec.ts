import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type LlmServer, startLlmServer } from '#testing';

let llm: LlmServer;
beforeAll(async () => {
  llm = await startLlmServer();
});
afterAll(() => llm.close());

const quickstart = async (
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; output: string }> => {
  const child = spawn(process.execPath, ['scripts/quickstart.mjs', ...args], {
    env: { ...process.env, NO_COLOR: '1', OPENAI_API_KEY: '', OPENAI_BASE_URL: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
};

it('runs a plan over real data, with parallel branches and a later step that uses an earlier result', async () => {
  const { code, output } = await quickstart([]);
  expect(output).toContain('250 countries');
  for (const step of [
    'most_neighbours',
    'landlocked',
    'common_languages',
    'its_largest_neighbours',
    'languages_around_it',
  ])
    expect(output).toMatch(new RegExp(`^${step} +succeeded`, 'm'));
  expect(output).toMatch(/^CHN +.*China +16$/m);
  // of the country that the first step found
  expect(output).toMatch(/Mongolia +Ulan Bator +1,564,110/);
  expect(code).toBe(0);
});

it('asks an LLM, with the database as its tool', async () => {
  llm.script(
    {
      do: 'call',
      calls: [
        { tool: 'sql_query', arguments: { query: "SELECT capital FROM countries WHERE name = 'Chad'" } },
      ],
    },
    { do: 'say', text: 'The capital of Chad is N’Djamena.' },
  );
  const { code, output } = await quickstart(['What is the capital of Chad?'], {
    OPENAI_BASE_URL: llm.baseUrl,
    OPENAI_MODEL: 'scripted',
  });
  expect(output).toContain('The capital of Chad is N’Djamena.');
  expect(code).toBe(0);
  const [first, second] = llm.requests;
  expect(JSON.stringify(first?.body.messages)).toContain('CREATE TABLE countries');
  expect(first?.body.tools?.map((tool) => tool.function.name)).toEqual(['sql_query']);
  expect(JSON.stringify(second?.body.messages)).toContain('Djamena');
});

it('says what a question needs when there is no LLM', async () => {
  const { code, output } = await quickstart(['Why?']);
  expect(output).toContain('OPENAI_BASE_URL');
  expect(code).toBe(1);
});
