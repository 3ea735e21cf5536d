import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DeadLetterList, DeadLetterView, Plan, SessionView } from '#contracts';
import { eventually, RuntimeProcess, tempDir } from '#testing';
import { SERVER_START_MS } from '#testing/servers';
import { freshNames, sharedServers } from '../e2e/on-servers.js';

let servers: NodeJS.ProcessEnv;
beforeAll(async () => {
  servers = await sharedServers();
}, SERVER_START_MS);

/** A process that is started again each time it dies, as a supervisor does. */
class Supervised {
  deaths = 0;
  private stopped = false;
  private watching: Promise<void> | undefined;

  private constructor(readonly runtime: RuntimeProcess) {}

  static async start(env: NodeJS.ProcessEnv): Promise<Supervised> {
    const supervised = new Supervised(await RuntimeProcess.create(env));
    supervised.watching = supervised.watch();
    return supervised;
  }

  private async watch(): Promise<void> {
    while (!this.stopped) {
      // one that dies before it was ready has died as well
      await this.runtime.start().catch(() => undefined);
      await this.runtime.ended();
      this.deaths++;
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    // counts as a death like any other; nobody asks any more
    await this.runtime.end('SIGKILL');
    await this.watching;
    await this.runtime.remove();
  }

  /** Asks as often as it takes: the process dies now and then. */
  ask<T>(path: string, init?: RequestInit): Promise<T> {
    return eventually(
      async () => {
        try {
          const response = await fetch(this.runtime.url + path, init);
          return response.ok ? ((await response.json()) as T) : null;
        } catch {
          return null;
        }
      },
      { timeoutMs: 60_000, what: `${path} is answered` },
    );
  }

  async submit(plan: Plan, key: string): Promise<string> {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    const body = JSON.stringify({ plan });
    return (await this.ask<SessionView>('/v1/sessions', { method: 'POST', headers, body })).session_id;
  }

  session(id: string): Promise<SessionView> {
    return this.ask(`/v1/sessions/${id}`);
  }

  async letters(): Promise<DeadLetterView[]> {
    return (await this.ask<DeadLetterList>('/v1/dead-letters')).dead_letters;
  }
}

let running: Supervised | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const INNOCENT = 24;
const innocentPlan = (name: string): Plan => ({
  steps: [
    { id: 'first', tool: 'mark', parameters: { name } },
    { id: 'then', tool: 'slow', parameters: { ms: 300 } },
    { id: 'last', tool: 'mark', parameters: { name: `${name} again` } },
  ],
});

const drivers = [
  ['the embedded engine', () => ({ DORMOUSE_PARTITIONS: '2' }) as NodeJS.ProcessEnv],
  [
    'Kafka and Redis',
    () => ({ ...servers, ...freshNames(), DORMOUSE_PARTITIONS: '2', DORMOUSE_KAFKA_SESSION_MS: '1500' }),
  ],
] as const;

describe.each(drivers)('a record that kills its process, on %s', (_, env) => {
  const journalOf = (path: string): string[] => {
    try {
      return readFileSync(path, 'utf8').trim().split('\n');
    } catch {
      return [];
    }
  };

  it.each([
    ['a tool', 'deadly', { by: 'kill' }, 'deadly'],
    ['a tool that calls process.exit', 'deadly', { by: 'exit' }, 'deadly'],
    // its record is finished by then, and so is the trial
    ['a tool that its claim carries on', 'deadly_later', { by: 'kill', ms: 1_200 }, 'deadly'],
    ['a decision', 'deadly_to_decide', { by: 'kill', deadly: true }, 'decided'],
  ])(
    '(%s) is a dead letter after five deaths and two alone, and takes no neighbour along',
    async (what, tool, parameters, mark) => {
      const folder = tempDir();
      const journal = join(folder.path, 'journal');
      const settings = {
        ...env(),
        DORMOUSE_TOOLS: './test/fault/poison-tools.mjs',
        DORMOUSE_LEASE_MS: '1000',
        DORMOUSE_HOLD_MS: '400',
        TEST_JOURNAL: journal,
      };
      running = await Supervised.start(settings);
      const supervised = running;
      const innocent: string[] = [];
      const key = (name: string) => `${what} ${name}`;
      for (let i = 0; i < INNOCENT / 2; i++)
        innocent.push(await supervised.submit(innocentPlan(`i${i}`), key(`i${i}`)));
      const poisonous = await supervised.submit({ steps: [{ id: 'p', tool, parameters }] }, key('p'));
      for (let i = INNOCENT / 2; i < INNOCENT; i++)
        innocent.push(await supervised.submit(innocentPlan(`i${i}`), key(`i${i}`)));

      const parked = await eventually(
        async () => {
          const session = await supervised.session(poisonous);
          return session.status === 'parked' ? session : null;
        },
        { timeoutMs: 110_000, what: 'the poisonous session is parked' },
      );
      expect(supervised.deaths).toBe(5);
      const [letter, ...others] = await supervised.letters();
      expect(others).toEqual([]);
      expect(letter).toMatchObject({
        reason: 'poison',
        session_id: poisonous,
        deliveries: 7,
        attempts: 0,
        redriven: [],
      });
      expect(parked.error).toMatchObject({ code: 'dead_letter', details: { dead_letter: letter!.id } });

      for (const id of innocent)
        await eventually(async () => (await supervised.session(id)).status === 'completed', {
          timeoutMs: 60_000,
          what: `${id} completes`,
        });
      const lines = journalOf(journal);
      expect(new Set(lines.filter((line) => line.startsWith('mark'))).size).toBe(2 * INNOCENT);
      // seven deliveries, and each of them the first attempt
      expect(lines.filter((line) => line.startsWith(mark))).toEqual(
        Array.from({ length: 7 }, () => (mark === 'deadly' ? 'deadly 1' : mark)),
      );

      // mended and redriven it completes, with its whole retry budget
      writeFileSync(`${journal}.mended`, '');
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ by: 'mara', reason: 'mended' });
      await supervised.ask(`/v1/dead-letters/${letter!.id}/redrive`, { method: 'POST', headers, body });
      const done = await eventually(
        async () => {
          const session = await supervised.session(poisonous);
          return session.status === 'completed' ? session : null;
        },
        { timeoutMs: 60_000, what: 'the redriven session completes' },
      );
      expect(done).toMatchObject({
        error: null,
        result: { p: tool === 'deadly_to_decide' ? 'done' : { attempt: 1 } },
      });
      expect(supervised.deaths).toBe(5);
      folder.remove();
    },
    240_000,
  );
});
