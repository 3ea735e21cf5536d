import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ApprovalRequest, SessionStatus, SessionView, Submission } from '#contracts';
import {
  eventually,
  type LlmRequest,
  type LlmServer,
  RuntimeProcess,
  startLlmServer,
  type TempDir,
  tempDir,
} from '#testing';
import { SERVER_START_MS } from '#testing/servers';
import { freshNames, sharedServers } from './on-servers.js';

const DEPLOYMENTS: [name: string, roles: string[]][] = [
  ['in one process, on the embedded engine', ['api,commander,dispatcher,scheduler']],
  [
    'on Kafka and Redis, each role in a process of its own',
    ['api', 'commander', 'commander', 'dispatcher', 'dispatcher', 'scheduler'],
  ],
];

/** What became of the calls, as the model was told. */
const answers = ({ body }: LlmRequest) =>
  body.messages.flatMap(({ role, tool_call_id, content }) =>
    role === 'tool' ? [[tool_call_id, content]] : [],
  );
const call = (id: string, amount: number, tool = 'transfer') => ({ id, tool, arguments: { amount } });

describe.each(DEPLOYMENTS)('approvals %s', (_name, roles) => {
  let folder: TempDir;
  let llm: LlmServer;
  let processes: RuntimeProcess[] = [];
  beforeAll(async () => {
    folder = tempDir('approvals');
    llm = await startLlmServer();
    const shared = {
      DORMOUSE_TOOLS: './test/e2e/approval-tools.mjs',
      DORMOUSE_LEASE_MS: '3000',
      DORMOUSE_KAFKA_SESSION_MS: '3000',
      OPENAI_API_KEY: 'sk-test',
      OPENAI_BASE_URL: llm.baseUrl,
      OPENAI_MODEL: 'scripted',
      APPROVAL_JOURNAL: join(folder.path, 'journal'),
      ...(roles.length === 1 ? {} : { ...(await sharedServers()), ...freshNames() }),
    };
    processes = await Promise.all(
      roles.map((role, index) =>
        RuntimeProcess.create({ ...shared, DORMOUSE_ROLES: role, DORMOUSE_INSTANCE: `part-${index}` }),
      ),
    );
    await Promise.all(processes.map((one) => one.start()));
  }, SERVER_START_MS);
  afterAll(async () => {
    await Promise.all(processes.map((one) => one.remove()));
    await llm.close();
    folder.remove();
  });

  const send = async (
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: SessionView }> => {
    const response = await fetch(`${processes[0]!.url}/v1/sessions${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as SessionView };
  };
  const submit = async (submission: Submission): Promise<string> =>
    (await send('POST', '', submission)).body.session_id;
  const reaches = (id: string, status: SessionStatus): Promise<SessionView> =>
    eventually(
      async () => {
        const { body } = await send('GET', `/${id}`);
        return body.status === status ? body : null;
      },
      { timeoutMs: 40_000, what: `${id} becomes ${status}` },
    );
  const answer = async (id: string, intent: string, given: Partial<ApprovalRequest>): Promise<number> =>
    (await send('POST', `/${id}/approvals/${intent}`, { by: 'ann', ...given })).status;
  const ran = (id: string): string[] => {
    const journal = join(folder.path, 'journal');
    const lines = existsSync(journal) ? readFileSync(journal, 'utf8').split('\n') : [];
    return lines.filter((line) => line.startsWith(`${id}.`));
  };

  it('hold one of two parallel calls of a model, which reads both results when a person has answered', async () => {
    llm.script(
      { do: 'call', calls: [call('large', 500), call('asked', 7, 'quote')] },
      { do: 'say', text: 'Done.' },
    );
    const asked = llm.requests.length;
    const id = await submit({ input: 'Transfer it.' });
    const { pending } = await reaches(id, 'waiting_approval');
    expect(pending).toMatchObject([
      { intent_id: `${id}.1.0`, tool_name: 'transfer', parameters: { amount: 500 }, waits_for: 'approval' },
    ]);
    // the other has run meanwhile, and the model isn't asked
    expect(ran(id)).toEqual([`${id}.1.1`]);
    expect(llm.requests).toHaveLength(asked + 1);
    expect(await answer(id, `${id}.1.0`, { decision: 'approve', digest: pending[0]!.digest! })).toBe(202);
    expect(await reaches(id, 'completed')).toMatchObject({ result: { text: 'Done.' } });
    expect(ran(id)).toEqual([`${id}.1.1`, `${id}.1.0`]);
    expect(answers(llm.requests.at(-1)!)).toEqual([
      ['large', '{"transferred":500}'],
      ['asked', '{"quoted":7}'],
    ]);
  });

  it('are given out of order, and the model reads of a rejected call who said so and why', async () => {
    llm.script(
      { do: 'call', calls: [call('a', 200), call('b', 300), call('c', 400), call('small', 5)] },
      { do: 'say', text: 'Two of three.' },
    );
    const id = await submit({ input: 'Transfer all.' });
    const { pending } = await reaches(id, 'waiting_approval');
    expect(pending.map(({ parameters }) => parameters?.['amount'])).toEqual([200, 300, 400]);
    expect(ran(id)).toEqual([`${id}.1.3`]);
    expect(await answer(id, `${id}.1.2`, { decision: 'approve' })).toBe(202);
    expect(await answer(id, `${id}.1.1`, { decision: 'reject', by: 'bob', reason: 'too much' })).toBe(202);
    expect(await answer(id, `${id}.1.1`, { decision: 'approve' })).toBe(409);
    expect(await answer(id, `${id}.1.0`, { decision: 'approve' })).toBe(202);
    await reaches(id, 'completed');
    expect([...ran(id)].sort()).toEqual([`${id}.1.0`, `${id}.1.2`, `${id}.1.3`]);
    expect(answers(llm.requests.at(-1)!)).toEqual([
      ['a', '{"transferred":200}'],
      ['b', expect.stringMatching(/approval_rejected.*bob rejected the call of transfer: too much/)],
      ['c', '{"transferred":400}'],
      ['small', '{"transferred":5}'],
    ]);
  });

  it('outlive every process that knew of them', async () => {
    const id = await submit({
      plan: { steps: [{ id: 'large', tool: 'transfer', parameters: { amount: 900 } }] },
    });
    await reaches(id, 'waiting_approval');
    await Promise.all(processes.map((one) => one.end('SIGKILL')));
    await Promise.all(processes.map((one) => one.start()));
    const { pending } = await reaches(id, 'waiting_approval');
    expect(ran(id)).toEqual([]);
    expect(await answer(id, pending[0]!.intent_id, { decision: 'approve' })).toBe(202);
    expect(await reaches(id, 'completed')).toMatchObject({ result: { large: { transferred: 900 } } });
    expect(ran(id)).toEqual([`${id}.1.0`]);
  }, 60_000);
});
