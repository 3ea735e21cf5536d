import { type IncomingMessage, request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { TimelineEntry } from '#contracts';
import { eventually } from '#testing';
import { type Booted, boot, closeGate, echo, gate, gated, openGate, quick } from './booted.js';

let app: Booted;
beforeAll(async () => {
  app = await boot();
});
afterAll(() => app.close());
afterEach(closeGate);

interface Stream {
  entries: TimelineEntry[];
  ids: number[];
  raw: () => string;
  ended: Promise<void>;
  cut(): void;
}

/** Reads a session's events until they end or are cut. */
const follow = async (id: string, lastEventId?: number): Promise<Stream> => {
  const controller = new AbortController();
  const response = await fetch(`${app.url}/v1/sessions/${id}/events`, {
    headers: lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) },
    signal: controller.signal,
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const stream: Omit<Stream, 'ended'> & { text: string } = {
    entries: [],
    ids: [],
    text: '',
    raw: () => stream.text,
    cut: () => controller.abort(),
  };
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        const text = decoder.decode(chunk, { stream: true });
        stream.text += text;
        const blocks = (rest + text).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const idLine = /^id: (\d+)$/m.exec(block);
          const data = /^data: (.*)$/m.exec(block);
          if (idLine === null || data === null) continue;
          stream.ids.push(Number(idLine[1]));
          stream.entries.push(JSON.parse(data[1] ?? '') as TimelineEntry);
        }
      }
    } catch (error) {
      if (!controller.signal.aborted) throw error;
    }
  };
  return Object.assign(stream, { ended: read() });
};

/** What this process holds, server and test together. */
const memoryBytes = (): number => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

describe('the events of a session', () => {
  it('are its timeline, live, and end after the terminal entry', async () => {
    const { session_id: id } = await app.submit(gated());
    const stream = await follow(id);
    await eventually(() => gate.waiting.size > 0);
    await eventually(() => stream.entries.filter((e) => e.type === 'intent').length === 2);
    expect(stream.entries.at(-1)?.type).not.toBe('observation');
    openGate();
    await stream.ended;
    const { entries } = await app.timeline(id);
    expect(stream.entries).toEqual(entries);
    expect(stream.ids).toEqual(entries.map((e) => e.seq));
  });

  it('of an ended session come at once, whole', async () => {
    const { session_id: id } = await app.submit(quick());
    await app.ended(id);
    const stream = await follow(id);
    await stream.ended;
    expect(stream.entries).toEqual((await app.timeline(id)).entries);
  });

  it('go on after any Last-Event-ID with nothing lost and nothing doubled', async () => {
    const { session_id: id } = await app.submit({
      plan: { steps: Array.from({ length: 20 }, (_, i) => echo(`s${i}`, i)) },
    });
    await app.ended(id);
    const { entries } = await app.timeline(id);
    for (const after of [0, 1, 15, 16, 17, 33, entries.length - 1]) {
      const stream = await follow(id, after);
      await stream.ended;
      expect(stream.entries).toEqual(entries.slice(after));
    }
  });

  it('can be cut and taken up again while the session runs', async () => {
    const { session_id: id } = await app.submit({
      plan: {
        steps: [
          ...Array.from({ length: 10 }, (_, i) => echo(`a${i}`)),
          { id: 'held', tool: 'at_gate' },
          ...Array.from({ length: 10 }, (_, i) => echo(`b${i}`)),
        ],
      },
    });
    const first = await follow(id);
    await eventually(() => first.entries.length >= 5);
    first.cut();
    await first.ended;
    const second = await follow(id, first.ids.at(-1));
    await eventually(() => gate.waiting.size > 0);
    openGate();
    await second.ended;
    expect([...first.entries, ...second.entries]).toEqual((await app.timeline(id)).entries);
  });

  it('are no more when the terminal entry was seen: 204 stops a browser', async () => {
    const { session_id: id } = await app.submit(quick());
    const { version } = await app.ended(id);
    expect(version).toBeGreaterThan(1);
    const last = (await app.timeline(id)).entries.length;
    const answer = await app.call('GET', `/v1/sessions/${id}/events`, {
      headers: { 'last-event-id': String(last) },
    });
    expect(answer.status).toBe(204);
  });

  it('are not asked for with a Last-Event-ID that is none', async () => {
    const { session_id: id } = await app.submit(quick());
    const answer = await app.call('GET', `/v1/sessions/${id}/events`, { headers: { 'last-event-id': 'x' } });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      code: 'invalid_request',
      fields: [{ field: 'header.Last-Event-ID', came: '"x"' }],
    });
  });

  it('reach many followers of one session', async () => {
    const { session_id: id } = await app.submit(gated());
    const streams = await Promise.all(Array.from({ length: 50 }, () => follow(id)));
    openGate();
    await Promise.all(streams.map((s) => s.ended));
    const { entries } = await app.timeline(id);
    for (const stream of streams) expect(stream.entries).toEqual(entries);
  });

  it('wait for a reader who is slow, in the store and not in memory', async () => {
    const big = 'x'.repeat(200_000);
    const { session_id: id } = await app.submit({
      plan: {
        steps: [
          echo('big', big),
          ...Array.from({ length: 59 }, (_, i) => echo(`s${i}`, { $ref: 'big', pointer: '/value' })),
        ],
      },
    });
    await app.ended(id);
    const before = memoryBytes();
    let received = 0;
    const slow = request(`${app.url}/v1/sessions/${id}/events`);
    slow.end();
    const response = await new Promise<IncomingMessage>((resolve) => slow.once('response', resolve));
    response.pause();
    // nothing is read: what the server could have sent by now would be tens of megabytes
    const held: number[] = [];
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      held.push(memoryBytes() - before);
    }
    expect(Math.min(...held.slice(-5))).toBeLessThan(30_000_000);
    response.on('data', (chunk: Buffer) => (received += chunk.length)).resume();
    await new Promise((resolve) => response.once('end', resolve));
    expect(received).toBeGreaterThan(20_000_000);
  });
});
