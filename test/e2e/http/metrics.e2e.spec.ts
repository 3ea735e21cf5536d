import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type JsonObject, type SessionView, type Submission, type TimelineEntry } from '#contracts';
import { METRICS } from '#telemetry';
import { eventually } from '#testing';
import { boot, type Booted, echo, gate, gated } from './booted.js';
import { scrape } from './prometheus.js';

const { session, step, tool, consumer, sweeper } = METRICS;
const INTENTS = { topic: 'agent.intent', group: 'dispatcher_group' };
const OBSERVATIONS = { topic: 'agent.observation', group: 'commander_group' };

const COUNTS = { plain: 150, wide: 60, failing: 40, flaky: 50, cancelled: 5 };
const FAILURES = 2;
const REPEATS = 7;

const submissions: Record<Exclude<keyof typeof COUNTS, 'cancelled'>, Submission> = {
  plain: { plan: { steps: [echo('a'), echo('b'), echo('c')] } },
  wide: { plan: { steps: [echo('a'), echo('b', 1, { after: [] }), echo('c', 1, { after: ['a', 'b'] })] } },
  failing: { plan: { steps: [echo('a'), { id: 'b', tool: 'fail' }] } },
  flaky: { plan: { steps: [{ id: 'a', tool: 'flaky', parameters: { failures: FAILURES } }] } },
};

let app: Booted;
beforeAll(async () => {
  app = await boot({ DORMOUSE_TOOLS: './test/e2e/http/tools.mjs,./test/e2e/http/flaky-tools.mjs' });
});
afterAll(() => app.close());

const run = async (): Promise<SessionView[]> => {
  const submitted = await Promise.all(
    Object.entries(submissions).flatMap(([kind, submission]) =>
      Array.from({ length: COUNTS[kind as keyof typeof COUNTS] }, (_, n) =>
        app.submit(submission, { 'idempotency-key': `${kind}-${n}` }),
      ),
    ),
  );
  const waiting = await Promise.all(Array.from({ length: COUNTS.cancelled }, () => app.submit(gated())));
  await eventually(() => gate.waiting.size === COUNTS.cancelled, { what: 'all stand at the gate' });
  for (const { session_id } of waiting) await app.call('POST', `/v1/sessions/${session_id}/cancel`);
  return Promise.all([...submitted, ...waiting].map(({ session_id }) => app.ended(session_id)));
};

const factsOf = ({ payload }: TimelineEntry): JsonObject => payload as JsonObject;
const entriesOf = (entries: readonly TimelineEntry[], type: string): TimelineEntry[] =>
  entries.filter((entry) => entry.type === type);

describe('after a drain of a few hundred sessions', () => {
  let sessions: SessionView[];
  let entries: TimelineEntry[];
  const ended = (status: string): number => sessions.filter((s) => s.status === status).length;
  const results = (name: string, status: string): number =>
    entriesOf(entries, 'observation').filter(
      (entry) => factsOf(entry).tool_name === name && factsOf(entry).status === status,
    ).length;

  beforeAll(async () => {
    sessions = await run();
    const timelines = await Promise.all(sessions.map((s) => app.timeline(s.session_id)));
    entries = timelines.flatMap((timeline) => timeline.entries);
    for (let n = 0; n < REPEATS; n++)
      await app.submit(submissions.plain, { 'idempotency-key': `plain-${n}` });
  });

  it('what happened is what the timelines tell', () => {
    expect(ended('completed')).toBe(COUNTS.plain + COUNTS.wide + COUNTS.flaky);
    expect(ended('failed')).toBe(COUNTS.failing);
    expect(ended('cancelled')).toBe(COUNTS.cancelled);
    expect(results('echo', 'succeeded')).toBe(
      3 * COUNTS.plain + 3 * COUNTS.wide + COUNTS.failing + COUNTS.cancelled,
    );
  });

  it('the sessions by status add up', async () => {
    const metrics = await scrape(app.url);
    const entered = (status: string): number => metrics.of(session.entered, { status });
    const left = (status: string): number => metrics.of(session.left, { status });
    expect(entered('queued')).toBe(sessions.length);
    for (const status of ['completed', 'failed', 'cancelled'])
      expect({ status, entered: entered(status) }).toEqual({ status, entered: ended(status) });
    for (const status of ['queued', 'waiting_tool'])
      expect({ status, left: left(status) }).toEqual({ status, left: entered(status) });
    expect(metrics.sum(`${session.duration}_count`)).toBe(sessions.length);
    expect(metrics.of(`${session.duration}_count`, { status: 'failed' })).toBe(COUNTS.failing);
    expect(metrics.of(session.repeated)).toBe(REPEATS);
    expect(metrics.of(session.thinking)).toBe(0);
  });

  it('the steps add up', async () => {
    const metrics = await scrape(app.url);
    // each step writes one version; so do the creation and, for what was cancelled, the wish
    const written = sessions.reduce((sum, { version }) => sum + version - 1, 0) - COUNTS.cancelled;
    expect(metrics.of(step.committed)).toBe(written);
    expect(metrics.of(`${step.duration}_count`, { brain: 'plan' })).toBe(written);
    expect(metrics.of(`${step.duration}_bucket`, { brain: 'plan', le: '+Inf' })).toBe(written);
    expect(metrics.of(`${step.think}_count`, { brain: 'plan' })).toBeGreaterThanOrEqual(
      sessions.reduce((sum, { step: steps }) => sum + steps, 0),
    );
  });

  it('the runs of the tools add up', async () => {
    const metrics = await scrape(app.url);
    for (const [name, status] of [
      ['echo', 'succeeded'],
      ['flaky', 'succeeded'],
      ['fail', 'failed'],
    ] as const)
      expect({ name, count: metrics.of(tool.outcomes, { tool: name, status }) }).toEqual({
        name,
        count: results(name, status),
      });
    expect(metrics.of(`${tool.duration}_count`, { tool: 'flaky' })).toBe(COUNTS.flaky * (FAILURES + 1));
    expect(metrics.of(`${tool.duration}_count`, { tool: 'echo' })).toBe(results('echo', 'succeeded'));
    expect(metrics.of(tool.retries)).toBe(COUNTS.flaky * FAILURES);
    // a session that was cancelled has dropped the claim of what still ran
    expect(metrics.of(tool.claimsLost)).toBeLessThanOrEqual(COUNTS.cancelled);
    await eventually(async () => (await scrape(app.url)).of(tool.inFlight) === 0, { timeoutMs: 30_000 });
  });

  it('the records of both topics add up, and none is left', async () => {
    const metrics = await eventually(
      async () => {
        const now = await scrape(app.url);
        return now.has(consumer.lag) && now.sum(consumer.lag) === 0 ? now : null;
      },
      { timeoutMs: 30_000, what: 'the lag is 0' },
    );
    const answers = entriesOf(entries, 'observation').filter((entry) => 'intent_id' in factsOf(entry)).length;
    // a cancelled tool was sealed; whether its dispatcher said so too is a matter of moments
    const sealed = results('at_gate', 'cancelled');
    expect(sealed).toBe(COUNTS.cancelled);
    const finished = metrics.of(consumer.finished, OBSERVATIONS);
    const records = sessions.length + COUNTS.cancelled + answers;
    expect(finished).toBeGreaterThanOrEqual(records - sealed);
    expect(finished).toBeLessThanOrEqual(records);
    expect(metrics.of(consumer.finished, INTENTS)).toBeGreaterThanOrEqual(
      entriesOf(entries, 'intent').length,
    );
    for (const labels of [INTENTS, OBSERVATIONS]) {
      expect(metrics.of(consumer.up, labels)).toBe(1);
      expect(metrics.of(consumer.inFlight, labels)).toBe(0);
      expect(metrics.of(METRICS.consumer.deadLetters, labels)).toBe(0);
    }
  });

  it('nothing had to be repaired', async () => {
    const metrics = await scrape(app.url);
    expect(metrics.has(sweeper.published)).toBe(true);
    expect(metrics.of(sweeper.published, { reason: 'lost' })).toBe(0);
  });
});

describe('GET /metrics', () => {
  it('answers in the format of Prometheus', async () => {
    const { status, headers, body } = await app.call<string>('GET', '/metrics');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(body).toMatch(/^# TYPE dormouse_steps_total counter$/m);
    expect(body).toMatch(/^nodejs_eventloop_lag_seconds \S+$/m);
    expect(body).toMatch(/^dormouse_info\{version="[^"]+",instance="[^"]+",role="dispatcher"\} 1$/m);
  });

  it('names no tool that an intent made up', async () => {
    const { session_id } = await app.submit({ plan: { steps: [echo('a')] } });
    await app.ended(session_id);
    const { body } = await app.call<string>('GET', '/metrics');
    const tools = new Set(Array.from(body.matchAll(/[{,]tool="([^"]*)"/g), ([, name]) => name));
    const { body: catalogue } = await app.call<{ tools: { name: string }[] }>('GET', '/v1/tools');
    const known = new Set(catalogue.tools.map(({ name }) => name));
    for (const name of tools) expect([...known, '(unknown)']).toContain(name);
  });
});
