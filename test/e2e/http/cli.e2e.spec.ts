import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { SessionList, SessionView, TimelineEntry, ToolList } from '#contracts';
import { eventually, type TempDir, tempDir } from '#testing';
import { type Booted, boot, closeGate, gate, gated, openGate, quick } from './booted.js';
import { commandLine, type Ran } from './command-line.js';

let app: Booted;
let dir: TempDir;
beforeAll(async () => {
  app = await boot();
  dir = tempDir();
});
afterAll(async () => {
  await app.close();
  dir.remove();
});
afterEach(closeGate);

const dormouse = (...args: string[]): Promise<Ran> => commandLine(app.url, args);

const file = (name: string, content: unknown): string => {
  const path = join(dir.path, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
};

describe('dormouse submit', () => {
  it('takes a body or a bare plan, and prints the session', async () => {
    for (const path of [file('body.json', quick()), file('plan.json', quick().plan)]) {
      const { code, out } = await dormouse('submit', path);
      expect(code).toBe(0);
      expect(out).toMatch(/^sess-\w{26} {2}queued$/);
    }
  });

  it('follows to the end, and exits as the session ended', async () => {
    const completed = await dormouse('submit', '--plan', file('plan.json', quick({ x: 1 }).plan), '--follow');
    expect(completed.code).toBe(0);
    expect(completed.out).toMatch(
      /● queued\n.*→ only \(echo\).*\n.*● waiting_tool\n.*✓ only \(echo\) .*\n.*● completed\n/,
    );
    expect(completed.out).toContain('completed  after');
    const failed = await dormouse(
      'submit',
      file('fail.json', { plan: { steps: [{ id: 'a', tool: 'fail' }] } }),
      '-f',
    );
    expect(failed.code).toBe(2);
    expect(failed.out).toMatch(/✗ a \(fail\)/);
  });

  it('prints JSON for machines: a line an entry, and the session last', async () => {
    const { out } = await dormouse('--json', 'submit', file('body.json', quick()), '--follow');
    const lines = out.split('\n').map((line) => JSON.parse(line) as TimelineEntry | SessionView);
    const session = lines.at(-1) as SessionView;
    expect(session.status).toBe('completed');
    expect(lines.slice(0, -1)).toEqual((await app.timeline(session.session_id)).entries);
  });

  it('with a key makes one session of many tries', async () => {
    const path = file('body.json', quick());
    const one = await dormouse('submit', path, '--idempotency-key', 'cli');
    const two = await dormouse('submit', path, '--idempotency-key', 'cli');
    expect(two.out.split(' ')[0]).toBe(one.out.split(' ')[0]);
  });

  it('prints a refusal with its code, and exits 1', async () => {
    const { code, err } = await dormouse('submit', file('bad.json', { plan: { steps: [] } }));
    expect(code).toBe(1);
    expect(err).toMatch(/^invalid_request: .*\/plan\/steps/);
  });

  it('prints the whole problem for machines', async () => {
    const { code, err } = await dormouse('--json', 'submit', file('bad.json', { plan: { steps: [] } }));
    expect(code).toBe(1);
    expect(JSON.parse(err)).toMatchObject({ code: 'invalid_request', fields: [{ field: '/plan/steps' }] });
  });
});

describe('dormouse cancel', () => {
  it('ends a session; whoever follows it exits 4', async () => {
    const { session_id: id } = await app.submit(gated());
    await eventually(() => gate.waiting.size > 0);
    const following = dormouse('get', id, '--follow');
    const { code, out } = await dormouse('cancel', id, '--reason', 'enough');
    expect([code, out.split(' ')[0]]).toEqual([0, id]);
    expect((await following).code).toBe(4);
  });
});

describe('dormouse resolve', () => {
  const lost = { plan: { steps: [{ id: 'lost', tool: 'lose_track', parameters: {} }] } };

  it('settles what a parked session stands still for; whoever follows it then sees its end', async () => {
    const parked = await dormouse('submit', file('lost.json', lost), '--follow');
    expect(parked.code).toBe(3);
    const id = /sess-\w{26}/.exec(parked.out)![0];
    const shown = await dormouse('get', id);
    expect(shown.out).toMatch(new RegExp(`lose_track +unknown[^]*dormouse resolve ${id} ${id}.1.0`));
    const { code, out } = await dormouse(
      ...['resolve', id, `${id}.1.0`, 'succeeded', '--by', 'ann', '--reason', 'asked', '--result', '{"r":1}'],
    );
    expect([code, out]).toEqual([0, expect.stringMatching(/answer accepted/)]);
    expect(await app.ended(id)).toMatchObject({ status: 'completed', result: { lost: { r: 1 } } });
    const followed = await dormouse('get', id, '--follow');
    expect(followed.code).toBe(0);
    expect(followed.out).toMatch(/● parked[^]*resolution succeeded .* by ann: asked\n[^]*● completed/);
    const again = await dormouse('resolve', id, `${id}.1.0`, 'failed', '--reason', 'no');
    expect([again.code, again.err]).toEqual([1, expect.stringMatching(/^already_answered: ann/)]);
  });

  it('says what is wrong with its arguments', async () => {
    const wrong = async (...args: string[]) => (await dormouse('resolve', 's', 's.1.0', ...args)).err;
    expect(await wrong('maybe', '--reason', 'x')).toMatch(/succeeded, failed, retry; came maybe/);
    expect(await wrong('retry', '--reason', 'x', '--parameters', '{')).toMatch(/JSON for --parameters/);
    expect(await wrong('failed')).toMatch(/--reason/);
  });
});

describe('dormouse get, list, tools', () => {
  it('show a session, with what it waits for', async () => {
    const { session_id: id } = await app.submit(gated());
    await eventually(async () => {
      const { body } = await app.call<SessionView>('GET', `/v1/sessions/${id}`);
      return body.pending[0]?.tool_name === 'at_gate';
    });
    const { code, out } = await dormouse('get', id);
    expect(code).toBe(0);
    expect(out).toMatch(/waiting_tool[^]*waits for[^]*at_gate/);
    openGate();
    await app.ended(id);
    expect((await dormouse('get', id, '--timeline')).out).toMatch(/● completed$/);
  });

  it('show tables for people and JSON for machines', async () => {
    const { session_id: id } = await app.submit({ ...quick(), metadata: { from: 'table' } });
    await app.ended(id);
    const listed = await dormouse('list', '--metadata', 'from=table');
    expect(listed.out).toMatch(new RegExp(`^session +status[^]*${id} +completed`));
    const json = JSON.parse(
      (await dormouse('list', '--json', '--metadata', 'from=table')).out,
    ) as SessionList;
    expect(json.sessions.map((s) => s.session_id)).toEqual([id]);
    expect((await dormouse('list', '--metadata', 'from=nowhere')).out).toBe('No sessions.');
    expect((await dormouse('tools')).out).toMatch(/^at_gate +idempotent/m);
    const tools = JSON.parse((await dormouse('tools', '--json')).out) as ToolList;
    expect(tools.tools.map((t) => t.name)).toContain('echo');
  });

  it('say that there is no such session', async () => {
    const { code, err } = await dormouse('get', 'sess-nobody');
    expect([code, err.split(':')[0]]).toEqual([1, 'not_found']);
  });
});
