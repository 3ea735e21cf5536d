import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type DormouseError,
  EVENT_NAMES,
  SESSION_STATUSES,
  type SessionStatus,
  type Submission,
} from '#contracts';
import { eventually, type LlmServer, startLlmServer, type TempDir, tempDir } from '#testing';
import { CommanderRig, TENANT } from '../../integration/commander/commander-rig.js';
import { type Booted, boot } from '../http/booted.js';
import { CELLS, EXTERNAL_TOOLS } from './cells.js';
import { playCell } from './play-cell.js';
import { Stage } from './stage.js';

const never = new Promise<never>(() => undefined);
const TOOLS = './test/e2e/cancel/stage-tools.mjs';
const done = (name: string, tool = 'do_compensatable', more: object = {}) => ({
  id: name,
  tool,
  parameters: { name, ...more },
});

let folder: TempDir;
let llm: LlmServer;
let app: Booted;
let stage: Stage;
beforeAll(async () => {
  folder = tempDir('cancel');
  process.env['STAGE_FOLDER'] = folder.path;
  const file = join(folder.path, 'external.json');
  writeFileSync(file, JSON.stringify(EXTERNAL_TOOLS));
  llm = await startLlmServer();
  app = await boot({
    DORMOUSE_TOOLS: TOOLS,
    DORMOUSE_EXTERNAL_TOOLS: file,
    DORMOUSE_LEASE_MS: '3000',
    OPENAI_API_KEY: 'sk-test',
    OPENAI_BASE_URL: llm.baseUrl,
    OPENAI_MODEL: 'scripted',
  });
  stage = new Stage(app.url, folder.path, [app.url]);
});
afterAll(async () => {
  await app.close();
  await llm.close();
  folder.remove();
});

const WITH_AND_WITHOUT = [
  ['leaves done what was done', false],
  ['undoes what was done', true],
] as const;

describe.each(CELLS)('a cancel at $name', (cell) => {
  it.each(WITH_AND_WITHOUT)('%s, and nothing new begins', (_what, compensate) =>
    playCell(stage, cell, compensate),
  );
});

describe('a cancel of a session', () => {
  it.each([false, true])('that nobody has begun ends it at once (compensate: %s)', async (compensate) => {
    const rig = await CommanderRig.open();
    try {
      // the log took nothing: its snapshot is all there is of it
      rig.transport.fault = 'before';
      const refused = await rig
        .submit({ plan: { steps: [done('first', 'look')] } })
        .catch((error: unknown) => error);
      const id = ((refused as DormouseError).details as { session_id: string }).session_id;
      expect((await rig.load(id)).status).toBe('queued');
      await rig.sessions.cancel(id, { ...TENANT, compensate });
      await rig.deliver(id, EVENT_NAMES.cancel);
      expect(await rig.load(id)).toMatchObject({ status: 'cancelled', pending: [], step: 0 });
      expect(rig.intents.filter(({ type }) => type.endsWith(EVENT_NAMES.toolCall))).toEqual([]);
    } finally {
      await rig.close();
    }
  });

  it.each(WITH_AND_WITHOUT)('whose model thinks %s, and stops the thinking', async (_what, compensate) => {
    llm.script(
      { do: 'call', calls: [{ tool: 'do_compensatable', arguments: { name: 'first' } }] },
      { do: 'wait', until: never, then: { do: 'say', text: '' } },
    );
    const asked = llm.requests.length;
    const id = await stage.submit({ input: 'Do it.' });
    await eventually(() => llm.requests.length === asked + 2);
    await stage.reaches(id, 'thinking');
    expect(await stage.cancel(id, compensate)).toBe(202);
    const { status } = await stage.rests(id);
    expect(status).toBe(compensate ? 'compensated' : 'cancelled');
    const begun = stage.journal(id).filter(({ at }) => at === 'begin');
    expect(begun.map(({ name }) => name)).toEqual(compensate ? ['first', 'undo first'] : ['first']);
    expect(llm.requests).toHaveLength(asked + 2);
  });

  it.each(WITH_AND_WITHOUT)('that waits for an answer %s, and asks no more', async (_what, compensate) => {
    llm.script(
      { do: 'call', calls: [{ tool: 'do_compensatable', arguments: { name: 'first' } }] },
      { do: 'call', calls: [{ tool: 'ask_user', arguments: { question: 'Go on?' } }] },
    );
    const asked = llm.requests.length;
    const id = await stage.submit({ input: 'Do it.', ask_user: true });
    await stage.reaches(id, 'waiting_input');
    expect(await stage.cancel(id, compensate)).toBe(202);
    const { status, question } = await stage.rests(id);
    expect([status, question]).toEqual([compensate ? 'compensated' : 'cancelled', undefined]);
    const begun = stage.journal(id).filter(({ at }) => at === 'begin');
    expect(begun.map(({ name }) => name)).toEqual(compensate ? ['first', 'undo first'] : ['first']);
    expect(llm.requests).toHaveLength(asked + 2);
  });

  it.each(WITH_AND_WITHOUT)(
    'whose call waits in the log for a place %s, and the call never runs',
    async (_what, compensate) => {
      const full = await boot({ DORMOUSE_TOOLS: TOOLS, DORMOUSE_CONCURRENCY: '1' });
      try {
        const crowded = new Stage(full.url, folder.path, [full.url]);
        const hold: Submission = {
          plan: { steps: [done('holder', 'do_irreversible', { does: 'hold', on_abort: 'finishes' })] },
        };
        const id = await crowded.submit({
          plan: {
            steps: [done('first'), { id: 'nap', tool: 'wait', parameters: { ms: 300 } }, done('held')],
          },
        });
        await crowded.begun(id, 'first');
        const holder = await crowded.submit(hold);
        await crowded.begun(holder, 'holder');
        await eventually(
          async () => (await crowded.session(id)).pending[0]?.tool_name === 'do_compensatable',
        );
        expect(await crowded.cancel(id, compensate)).toBe(202);
        // it needs no place to be sealed
        await crowded.reaches(id, compensate ? 'compensating' : 'cancelled');
        crowded.open(holder, 'holder');
        await crowded.reaches(holder, 'completed');
        expect((await crowded.rests(id)).status).toBe(compensate ? 'compensated' : 'cancelled');
        const begun = crowded.journal(id).filter(({ at }) => at === 'begin');
        expect(begun.map(({ name }) => name)).toEqual(compensate ? ['first', 'undo first'] : ['first']);
      } finally {
        await full.close();
      }
    },
  );

  it.each(WITH_AND_WITHOUT)('that waits for a dead letter %s', async (_what, compensate) => {
    const dir = tempDir();
    const data = { DORMOUSE_DATA_DIR: dir.path, DORMOUSE_LEASE_MS: '3000' };
    const before = await boot({ ...data, DORMOUSE_TOOLS: `${TOOLS},./examples/own-tool/word-count.mjs` });
    const id = await new Stage(before.url, folder.path, [before.url]).submit({
      plan: {
        steps: [
          done('first'),
          { id: 'nap', tool: 'wait', parameters: { ms: 1_500 } },
          { id: 'held', tool: 'count_words', parameters: { text: 'a b' } },
          done('after', 'do_pure'),
        ],
      },
    });
    await new Stage(before.url, folder.path, []).begun(id, 'first');
    await before.closeWithoutOpening();
    const without = await boot({ ...data, DORMOUSE_TOOLS: TOOLS });
    try {
      const later = new Stage(without.url, folder.path, [without.url]);
      const { error } = await later.reaches(id, 'parked');
      expect(error?.code).toBe('dead_letter');
      expect(await later.cancel(id, compensate)).toBe(202);
      await later.cancelTold(id);
      expect((await later.rests(id)).status).toBe(compensate ? 'compensated' : 'cancelled');
      const begun = later.journal(id).filter(({ at }) => at === 'begin');
      expect(begun.map(({ name }) => name)).toEqual(compensate ? ['first', 'undo first'] : ['first']);
    } finally {
      await without.closeWithoutOpening();
      dir.remove();
    }
  });

  const ENDED: Record<'completed' | 'failed' | 'compensated' | 'cancelled', Submission> = {
    completed: { plan: { steps: [done('first')] } },
    failed: { plan: { steps: [done('first'), done('failing', 'do_irreversible', { does: 'fail' })] } },
    compensated: {
      saga: true,
      plan: { steps: [done('first'), done('failing', 'do_irreversible', { does: 'fail' })] },
    },
    cancelled: { plan: { steps: [{ id: 'nap', tool: 'wait', parameters: { ms: 600_000 } }] } },
  };
  it.each(Object.entries(ENDED))('that is %s is refused, and changes nothing', async (status, submission) => {
    const id = await stage.submit(submission);
    if (status === 'cancelled') expect(await stage.cancel(id, false)).toBe(202);
    await stage.reaches(id, status as SessionStatus);
    const before = await stage.timeline(id);
    for (const compensate of [false, true])
      expect(await stage.refusalOfCancel(id, compensate)).toEqual([409, 'session_ended']);
    expect(await stage.timeline(id)).toEqual(before);
  });

  it('that waits for a tool has it undone as well when a second one asks for that', async () => {
    const id = await stage.submit({
      plan: {
        steps: [done('first'), done('held', 'do_irreversible', { does: 'hold', on_abort: 'pays_no_heed' })],
      },
    });
    await stage.begun(id, 'held');
    expect(await stage.cancel(id, false)).toBe(202);
    await stage.cancelTold(id);
    expect(await stage.cancel(id, false)).toBe(202);
    expect(await stage.cancel(id, true)).toBe(202);
    await stage.cancelTold(id, 1);
    expect(await stage.cancels(id)).toBe(2);
    stage.open(id, 'held');
    expect((await stage.rests(id)).status).toBe('compensated');
    const begun = stage.journal(id).filter(({ at }) => at === 'begin');
    expect(begun.map(({ name }) => name)).toEqual(['first', 'held', 'undo first']);
  });

  it('is tried in every status that a session can have', () => {
    const tried: readonly SessionStatus[] = [
      'queued',
      'thinking',
      'waiting_input',
      ...CELLS.map(({ status }) => status),
      ...(Object.keys(ENDED) as SessionStatus[]),
    ];
    expect(new Set(tried)).toEqual(new Set(SESSION_STATUSES));
  });
});
