import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Readiness } from '#contracts';
import { eventually } from '#testing';
import { boot, type Booted, gate, openGate } from './booted.js';

const PATIENCE = { timeoutMs: 60_000 };
/** More than the one place of a tool and the thousand records that may wait for it. */
const SESSIONS = 1_200;

let app: Booted;
beforeEach(async () => {
  app = await boot({ DORMOUSE_CONCURRENCY: '1', DORMOUSE_STANDSTILL_MS: '1000' });
});
afterEach(() => app.close());

const ready = async (): Promise<Readiness> => (await app.call<Readiness>('GET', '/health/ready')).body;

it('a dispatcher whose places are all taken by what never ends is not ready, until it ends', async () => {
  expect((await ready()).status).toBe('ready');
  const line = JSON.stringify({ plan: { steps: [{ id: 'held', tool: 'at_gate' }] } });
  const { status } = await app.call('POST', '/v1/sessions/batch', {
    body: `${line}\n`.repeat(SESSIONS),
    headers: { 'content-type': 'application/x-ndjson' },
  });
  expect(status).toBe(200);
  await eventually(() => gate.waiting.size === 1, PATIENCE);
  const wrong = await eventually(async () => (await ready()).checks.find(({ ok }) => !ok) ?? null, PATIENCE);
  expect(wrong.name).toBe('consumer dispatcher_group of agent.intent');
  expect(wrong.detail).toMatch(/1001 records are worked on, \d+ wait, and none was finished for \d+ s/);
  openGate();
  await eventually(async () => (await ready()).status === 'ready', PATIENCE);
});
