import { type ApprovalData, EVENT_NAMES, type Snapshot } from '#contracts';
import type { SimulatorOptions } from '#simulator';
import { type Mutant, sessions } from './mutant.js';
import { withForgedApprovals } from './profiles.js';

/** People write to sessions, and answer what they are asked. */
const WRITTEN_TO: SimulatorOptions = { messages: true };
/** People are asked about many of the calls. */
const ASKED: SimulatorOptions = { approvals: true };

/** Rules of what people send to sessions: messages, and answers for held calls. */
export const PEOPLE_MUTANTS: readonly Mutant[] = [
  {
    name: 'message-stays',
    rule: 2,
    breaks: 'the step that takes up a message takes it out of the inbox',
    shows: 'messages',
    around: () => {
      const inboxes = new Map<string, Snapshot['inbox']>();
      return sessions((real) => ({
        commit: (commit) => {
          const { snapshot, history } = commit;
          const { session_id } = snapshot;
          if (!history.some(({ key }) => key.startsWith('message:'))) {
            if (snapshot.inbox !== undefined) inboxes.set(session_id, snapshot.inbox);
            return real.commit(commit);
          }
          const inbox = inboxes.get(session_id);
          return real.commit(inbox === undefined ? commit : { ...commit, snapshot: { ...snapshot, inbox } });
        },
      }))();
    },
    options: WRITTEN_TO,
  },
  {
    name: 'end-over-message',
    rule: 2,
    breaks: 'an end that was thought before a message was accepted is thought again',
    shows: 'messages',
    around: sessions((real) => ({
      commit: async (commit) => {
        const { snapshot } = commit;
        const now = await real.load(snapshot.session_id);
        const unheard = now?.inbox?.some(({ name }) => name === 'observation.user_message') === true;
        if (now === null || !unheard || snapshot.status !== 'completed') return real.commit(commit);
        const { version } = now;
        return real.commit({
          ...commit,
          expectedVersion: version,
          snapshot: { ...snapshot, version: version + 1 },
        });
      },
    })),
    options: WRITTEN_TO,
  },
  {
    name: 'held-published',
    rule: 16,
    breaks: 'a call that is held for a person is no intent yet',
    shows: 'approval',
    around: sessions((real) => ({
      commit: (commit) => {
        const { held = [], ...snapshot } = commit.snapshot;
        const pending = [...snapshot.pending, ...held];
        return real.commit(held.length === 0 ? commit : { ...commit, snapshot: { ...snapshot, pending } });
      },
    })),
    options: ASKED,
  },
  {
    name: 'second-answer-counts',
    rule: 16,
    breaks: 'a held call has one answer, the first that was accepted',
    shows: 'approval',
    around: sessions((real) => ({
      load: async (sessionId) => {
        const snapshot = await real.load(sessionId);
        const others = snapshot?.inbox?.filter(({ name }) => name !== EVENT_NAMES.approval);
        return snapshot === null || others === undefined
          ? snapshot
          : { ...snapshot, inbox: others.length === 0 ? undefined : others };
      },
    })),
    options: ASKED,
  },
  {
    name: 'other-call-approved',
    rule: 16,
    breaks: 'an approval is of this tool with these parameters',
    shows: 'approval',
    around: () => ({
      handler: (role, handle, { sessions: store }) =>
        role !== 'commander'
          ? handle
          : async (event, delivery) => {
              if (!event.type.endsWith(EVENT_NAMES.approval)) return handle(event, delivery);
              const data = event.data as ApprovalData;
              const held = (await store.load(data.session_id))?.held ?? [];
              const call = held.find(({ intent_id }) => intent_id === data.intent_id);
              return handle({ ...event, data: { ...data, digest: call?.digest ?? data.digest } }, delivery);
            },
    }),
    options: { ...ASKED, around: withForgedApprovals, forgives: ['log_is_the_truth'] },
  },
];
