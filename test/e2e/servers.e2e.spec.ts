import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type LlmServer, startLlmServer } from '#testing';
import { SERVER_START_MS } from '#testing/servers';
import { sharedServers } from './on-servers.js';
import { type Account, playEmbedded, playOnServers } from './same/deployment.js';
import { SCENES, turnOf } from './same/scenario.js';

const ALL_ROLES = 'api,commander,dispatcher,scheduler';
const ROLES_OF_PROCESSES = ['api', 'commander', 'commander', 'dispatcher', 'dispatcher', 'scheduler'];

/** One scenario makes the same sessions wherever it is played: event for event, but for ids and times. */
describe('the scenario of one process on the embedded engine', () => {
  let llm: LlmServer;
  let settings: Record<string, string>;
  let embedded: Account[];
  beforeAll(async () => {
    await sharedServers();
    llm = await startLlmServer();
    llm.otherwise(turnOf);
    settings = { OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: llm.baseUrl, OPENAI_MODEL: 'scripted' };
    embedded = await playEmbedded(settings);
  }, SERVER_START_MS);
  afterAll(() => llm.close());

  it('is told by its log: every scene, all of its sessions alike', () => {
    for (const name of Object.keys(SCENES)) {
      const [first, ...others] = embedded.filter(({ scene }) => scene === name);
      expect(first?.intents).not.toEqual([]);
      expect(first?.observations).not.toEqual([]);
      for (const other of others) expect(other).toEqual(first);
    }
  });

  it('makes the same sessions in one process on Kafka and Redis', async () => {
    expect(await playOnServers(settings, [ALL_ROLES])).toEqual(embedded);
  });

  it('makes the same sessions with each role in processes of its own', async () => {
    expect(await playOnServers(settings, ROLES_OF_PROCESSES)).toEqual(embedded);
  });
});
