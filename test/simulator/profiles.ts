import {
  type ApprovalData,
  type CloudEvent,
  DormouseError,
  EVENT_NAMES,
  type PlanStep,
  type Snapshot,
} from '#contracts';
import type { Around, Scenario } from '#simulator';
import type { Commit } from '#state';
import type { OutboundRecord } from '#transport';

/** Plans of short runs that always succeed and may be repeated: what needs no sweeper to come to its end. */
export const plainPlans = (scenario: Scenario): Scenario => ({
  processes: scenario.processes.filter(({ roles }) => !roles.includes('worker')),
  settings: scenario.settings,
  habits: {},
  strays: [],
  wishes: scenario.wishes.map(({ key, atMs, submission }) => ({
    key,
    atMs,
    submission: {
      plan: {
        steps: (submission.plan?.steps ?? [{ id: 's0', after: [] }]).map(({ id, after }, place) => ({
          id,
          tool: 'put',
          parameters: { name: id, acts: [{ ms: 37 * place, ends: 'ok', does: 0 }] },
          ...(after === undefined ? {} : { after }),
        })),
      },
    },
  })),
});

/** A plan of tools of others, and a program that serves them. */
const served = (scenario: Scenario, steps: readonly PlanStep[]): Scenario => ({
  ...scenario,
  processes: [...scenario.processes.filter(({ name }) => name !== 'x1'), { name: 'x1', roles: ['worker'] }],
  wishes: scenario.wishes.map(({ key, atMs }) => ({
    key,
    atMs,
    submission: { plan: { steps: [...steps] } },
  })),
});

/** Answered with as little as is allowed, and each answer comes twice. */
const asked = (id: string, tool: 'ask' | 'fax', after?: string[]): PlanStep => ({
  id,
  tool,
  ...(after === undefined ? {} : { after }),
  parameters: { acts: [{ ms: 40, ends: 'ok', does: 40 }], reply: 'minimal_twice' },
});

/** One tool of others after the other. */
export const askedInTurn = (scenario: Scenario): Scenario =>
  served(scenario, [asked('s0', 'ask'), asked('s1', 'fax'), asked('s2', 'ask'), asked('s3', 'fax')]);

/** Tools of others beside ours: while those are under way, nobody can tell whose an answer is. */
export const askedBeside = (scenario: Scenario): Scenario => {
  const ours = (id: string, ms: number): PlanStep => ({
    id,
    tool: 'put',
    after: [],
    parameters: { name: id, acts: [{ ms, ends: 'ok', does: 10 }] },
  });
  return served(scenario, [
    asked('s0', 'ask'),
    ours('s1', 60),
    asked('s2', 'fax', ['s0', 's1']),
    ours('s3', 300),
  ]);
};

/** Several calls at once that may not be repeated. */
export const sendsAtOnce = (scenario: Scenario): Scenario => ({
  ...scenario,
  habits: {},
  wishes: scenario.wishes.map(({ key, atMs }) => ({
    key,
    atMs,
    submission: {
      plan: {
        steps: ['s0', 's1', 's2'].map((id) => ({
          id,
          after: [],
          tool: 'send',
          parameters: { name: id, acts: [{ ms: 1_200, ends: 'ok', does: 600 }] },
        })),
      },
    },
  })),
});

/** A step that applies an outcome never gets to dropping its claim: whoever comes back late finds what is recorded. */
export const claimsStay: Around = {
  ports: (ports) => ({
    ...ports,
    claims: Object.assign(Object.create(ports.claims) as typeof ports.claims, {
      forget: () => Promise.resolve(),
    }),
  }),
};

/** Nobody has what is among the dead letters published again, which would only be forged again. */
export const unattended = (scenario: Scenario): Scenario => ({ ...scenario, habits: {} });

const TOOL_CALL = 'intent.tool_call';

/** Before some intents somebody puts one into the log that has the same id, and other parameters. */
export const withForgeries: Around = {
  ports: (ports) => {
    const { transport } = ports;
    const forged = (record: OutboundRecord): OutboundRecord[] => {
      const text = record.value.toString();
      if (!text.includes(TOOL_CALL) || !text.includes('"name":"s1"') || text.includes('"compensates"'))
        return [];
      return [{ ...record, value: Buffer.from(text.replace('"name":"s1"', '"name":"forged"')) }];
    };
    return {
      ...ports,
      transport: Object.assign(Object.create(transport) as typeof transport, {
        publish: (records: readonly OutboundRecord[]) =>
          transport.publish(records.flatMap((record) => [...forged(record), record])),
      }),
    };
  },
};

/** Before each approval somebody puts one into the log that has the same id and is of another call. */
export const withForgedApprovals: Around = {
  ports: (ports) => {
    const { transport } = ports;
    const forged = (record: OutboundRecord): OutboundRecord[] => {
      const text = record.value.toString();
      if (!text.includes(EVENT_NAMES.approval)) return [];
      const event = JSON.parse(text) as CloudEvent<ApprovalData>;
      // one whose payload lies in the store can't be forged here
      if (event.data === undefined) return [];
      const data = { ...event.data, decision: 'approve', by: 'mallory', digest: 'of another call' };
      return [{ ...record, value: Buffer.from(JSON.stringify({ ...event, data })) }];
    };
    return {
      ...ports,
      transport: Object.assign(Object.create(transport) as typeof transport, {
        publish: (records: readonly OutboundRecord[]) =>
          transport.publish(records.flatMap((record) => [...forged(record), record])),
      }),
    };
  },
};

const RELEASED_AFTER_MS = 8_000;
type Marked = Snapshot & { release?: 'later' };

/**
 * Processes of two releases side by side: the first is of the earlier one for a while. It can't read what the others
 * have written.
 */
export const whileReleasesDiffer: Around = {
  ports: (ports, { name, clock }) => {
    const { sessions } = ports;
    const begun = clock.monotonic();
    const isEarlier = (): boolean => name === 'a1' && clock.monotonic() - begun < RELEASED_AFTER_MS;
    return {
      ...ports,
      sessions: Object.assign(Object.create(sessions) as typeof sessions, {
        load: async (sessionId: string) => {
          const snapshot: Marked | null = await sessions.load(sessionId);
          if (snapshot?.release === 'later' && isEarlier())
            throw new DormouseError('newer_version', 'expected a snapshot of this release, got a later one');
          return snapshot;
        },
        commit: (commit: Commit) => {
          const snapshot: Marked = { ...commit.snapshot };
          if (isEarlier()) delete snapshot.release;
          else snapshot.release = 'later';
          return sessions.commit({ ...commit, snapshot });
        },
      }),
    };
  },
};
