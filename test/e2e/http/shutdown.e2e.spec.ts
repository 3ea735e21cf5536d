import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { expect, it } from '@jest/globals';
import type { Problem, SessionView } from '#contracts';
import { eventually } from '#testing';
import { boot, closeGate, echo, gate, gated, openGate, quick } from './booted.js';

const answerTo = (call: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    call.once('response', resolve);
    call.once('error', reject);
  });

it('a stop ends live streams, cuts who does not read or send, and refuses what is new', async () => {
  const app = await boot({ DORMOUSE_SHUTDOWN_MS: '20000' });
  const waiting = await app.submit(gated());
  await eventually(() => gate.waiting.size > 0);

  // one follows live, one does not read, one sends no end
  const live = await answerTo(request(`${app.url}/v1/sessions/${waiting.session_id}/events`).end());
  const liveEnded = new Promise((resolve) => live.resume().once('end', resolve));
  const big = 'x'.repeat(200_000);
  const large = await app.submit({
    plan: { steps: Array.from({ length: 4 }, (_, i) => echo(`s${i}`, i === 0 ? big : { $ref: 's0' })) },
  });
  await app.ended(large.session_id);
  const deaf = await answerTo(request(`${app.url}/v1/sessions/${large.session_id}/events`).end());
  deaf.pause().on('error', () => undefined);
  const endless = request(`${app.url}/v1/sessions/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  });
  endless.write(`${JSON.stringify(quick())}\n`);
  const batch = await answerTo(endless);
  let answered = '';
  batch.setEncoding('utf8').on('data', (text: string) => (answered += text));
  await eventually(() => answered.endsWith('\n'));
  const batchCut = new Promise((resolve) => batch.once('error', resolve));
  endless.on('error', () => undefined);

  const closed = app.close();
  await liveEnded;
  await batchCut;
  await closed;
  await expect(app.call('GET', '/health/live')).rejects.toThrow();
});

it('a process that drains is not ready, and says so to who would begin something', async () => {
  const app = await boot({ DORMOUSE_SHUTDOWN_MS: '20000' });
  const { session_id: id } = await app.submit(gated());
  await eventually(() => gate.waiting.size > 0);
  const closing = app.closeWithoutOpening();
  const ready = await app.call('GET', '/health/ready');
  expect(ready.status).toBe(503);
  const refused = await app.call<Problem>('POST', '/v1/sessions', { json: quick() });
  expect([refused.status, refused.body.code]).toEqual([503, 'unavailable']);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await app.call('GET', `/v1/sessions/${id}`)).status).toBe(200);
  // the tool gets its grace: it ends, and the process with it
  openGate();
  await closing;
  closeGate();
});

it('a process that retires serves whoever still comes, sends them away, and ends when nobody does', async () => {
  const app = await boot();
  await app.ended((await app.submit(quick())).session_id);
  const retired = app.retire();
  expect((await app.call('GET', '/health/ready')).status).toBe(503);
  for (let i = 0; i < 20; i++) {
    const { status, headers, body } = await app.call<SessionView>('POST', '/v1/sessions', { json: quick(i) });
    expect([status, headers.get('connection')]).toEqual([202, 'close']);
    expect((await app.call('GET', `/v1/sessions/${body.session_id}`)).status).toBe(200);
  }
  const lines = `${JSON.stringify(quick())}\n`.repeat(3);
  const batch = await app.call<string>('POST', '/v1/sessions/batch', {
    body: lines,
    headers: { 'content-type': 'application/x-ndjson' },
  });
  expect(batch.body.match(/"session_id"/g)).toHaveLength(3);
  await retired;
  await expect(app.call('GET', '/health/live')).rejects.toThrow();
});
