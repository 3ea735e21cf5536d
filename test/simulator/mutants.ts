import { type CloudEvent, DormouseError, RetryableError, UnknownOutcomeError } from '#contracts';
import type { ClaimKey } from '#idempotency';
import type { Around, Ports, SimulatorOptions } from '#simulator';
import type { Commit } from '#state';
import type { Feed, OutboundRecord, PartitionPosition } from '#transport';
import { changed, claims, type Mutant, sessions, withDigests } from './mutant.js';
import { PEOPLE_MUTANTS } from './people-mutants.js';
import {
  askedBeside,
  askedInTurn,
  claimsStay,
  plainPlans,
  sendsAtOnce,
  unattended,
  whileReleasesDiffer,
  withForgeries,
} from './profiles.js';

const LEASE_FOR_EVER_MS = 10 * 365 * 24 * 3_600_000;
const HOUR_MS = 3_600_000;
/** Where two intents have one id, a session parks for a person; more isn't promised. */
const FORGED = ['dead_letter', 'one_outcome', 'true_outcome', 'compensation', 'log_is_the_truth'] as const;
/** Owners that are away for long, and come back with an outcome of their own. */
const FREEZES = { freeze_before: 25, freeze_after: 25 };
/** What was handled shortly before is handed out again. */
const CRASHES = { crash_before: 20, crash_after: 40 };
/** No sweeper repairs what the log itself should bring back. */
const SWEEPLESS: SimulatorOptions = { sweeps: false, scenario: plainPlans };

/** Every record, or none in its place, on its way into the log. */
const records = (change: (record: OutboundRecord) => OutboundRecord[]) => (): Around => ({
  ports: (ports) => ({
    ...ports,
    transport: changed(ports.transport, {
      publish: (all) => ports.transport.publish(all.flatMap(change)),
    }),
  }),
});

const commitIn = (record: OutboundRecord): string => {
  const { data } = JSON.parse(record.value.toString()) as CloudEvent<{ commit?: unknown }>;
  return JSON.stringify(data?.commit ?? null);
};

/** A step that changes nothing but that its observation was taken. */
const isPassedOver = ({ snapshot, timeline }: Commit): boolean =>
  timeline.length === 0 && snapshot.outbox.commit?.version === snapshot.version;

const isOf = (record: OutboundRecord, name: string): boolean => record.value.includes(name);

/** The subscriptions of a process, with what its feed is told or what it commits changed. */
const subscriptions =
  (
    feedOf: (feed: Feed, ports: Ports) => Feed,
    positionOf: (position: PartitionPosition) => PartitionPosition = (position) => position,
  ) =>
  (): Around => ({
    ports: (ports) => ({
      ...ports,
      transport: changed(ports.transport, {
        subscribe: async (topic, group, feed) => {
          const real = await ports.transport.subscribe(topic, group, feedOf(feed, ports));
          return changed(real, { commit: (positions) => real.commit(positions.map(positionOf)) });
        },
      }),
    }),
  });

export const MUTANTS: readonly Mutant[] = [
  ...PEOPLE_MUTANTS,
  {
    name: 'no-claim',
    rule: 3,
    breaks: 'an intent is claimed before it is run',
    shows: 'not_twice',
    around: claims((real) => ({
      claim: async (request) => {
        const reply = await real.claim(request);
        if (reply.kind === 'claimed' || reply.kind === 'conflict') return reply;
        await real.forget([request]);
        return real.claim(request);
      },
    })),
  },
  {
    name: 'claim-per-process',
    rule: 3,
    breaks: 'an intent has one id for everybody, which names its claim',
    shows: 'not_twice',
    around: () => ({
      ports: (ports, { name }) => {
        const own = <K extends ClaimKey>(key: K): K => ({ ...key, intentId: `${key.intentId}@${name}` });
        const real = ports.claims;
        return {
          ...ports,
          claims: changed(real, {
            claim: (request) => real.claim(own(request)),
            start: (key, token) => real.start(own(key), token),
            renew: (key, token, leaseMs) => real.renew(own(key), token, leaseMs),
            defer: (key, token, deferral) => real.defer(own(key), token, deferral),
            keep: (key, token, record) => real.keep(own(key), token, record),
            record: (key, token, outcome, retentionMs) => real.record(own(key), token, outcome, retentionMs),
            handBack: (key, token) => real.handBack(own(key), token),
            drop: (key, token) => real.drop(own(key), token),
          }),
        };
      },
    }),
  },
  {
    name: 'rerun-unknown',
    rule: 4,
    breaks: 'what may have been done is not run again',
    shows: 'not_twice',
    around: claims((real) => ({
      claim: async (request) => {
        const reply = await real.claim(request);
        return reply.kind === 'taken_over' ? { ...reply, started: false } : reply;
      },
    })),
  },
  {
    name: 'no-start',
    rule: 4,
    breaks: 'what may not run twice is marked as started before it runs',
    shows: 'not_twice',
    around: claims(() => ({ start: () => Promise.resolve('started') })),
  },
  {
    name: 'no-pending-check',
    rule: 3,
    breaks: 'the session is asked whether it still waits for the intent',
    shows: 'not_twice',
    around: withDigests((real, digestOf) => ({
      isPending: async (sessionId, intentId) => {
        const reply = await real.isPending(sessionId, intentId);
        const digest = digestOf(intentId);
        if (reply.kind === 'pending' || digest === undefined) return reply;
        return { kind: 'pending', digest, cancelRequested: false };
      },
    })),
  },
  {
    name: 'digest-ignored',
    rule: 12,
    breaks: 'an intent with other parameters than its session sent is not run',
    shows: 'not_twice',
    around: withDigests((real, digestOf) => ({
      isPending: async (sessionId, intentId) => {
        const reply = await real.isPending(sessionId, intentId);
        return reply.kind === 'pending' ? { ...reply, digest: digestOf(intentId) ?? reply.digest } : reply;
      },
    })),
    options: { forgives: FORGED, around: withForgeries, scenario: unattended },
  },
  {
    name: 'handback-deletes',
    rule: 8,
    breaks: 'a hand-back ends a lease and deletes nothing',
    shows: 'not_twice',
    around: claims((real) => ({ handBack: (key) => real.forget([key]) })),
  },
  {
    name: 'publish-first',
    rule: 3,
    breaks: 'an outcome is recorded before it is published',
    shows: 'one_outcome',
    around: () => ({
      ports: (ports, process) => ({
        ...ports,
        claims: changed(ports.claims, {
          record: (key, token, outcome, retentionMs) => {
            process.after(100, () => {
              ports.claims.record(key, token, outcome, retentionMs).catch(() => undefined);
            });
            return Promise.resolve({ kind: 'recorded' });
          },
        }),
      }),
    }),
  },
  {
    name: 'no-fence',
    rule: 12,
    breaks: 'a token that no longer holds the claim records nothing',
    shows: 'one_outcome',
    around: claims((real, digestOf) => ({
      record: async (key, token, outcome, retentionMs) => {
        const reply = await real.record(key, token, outcome, retentionMs);
        if (reply.kind !== 'lost' && reply.kind !== 'superseded') return reply;
        await real.forget([key]);
        await real.claim({ ...key, digest: digestOf(key), token, leaseMs: 1_000 });
        return real.record(key, token, outcome, retentionMs);
      },
    })),
    options: { scenario: sendsAtOnce, weights: FREEZES },
  },
  {
    name: 'own-outcome-first',
    rule: 12,
    breaks: 'what is recorded counts, not what a late owner saw',
    shows: 'one_outcome',
    around: claims((real) => ({
      record: async (key, token, outcome, retentionMs) => {
        const reply = await real.record(key, token, outcome, retentionMs);
        return reply.kind === 'superseded' ? { kind: 'recorded' } : reply;
      },
    })),
    options: { around: claimsStay, weights: FREEZES },
  },
  {
    name: 'no-lease',
    rule: 4,
    breaks: 'a claim whose owner is silent can be taken over',
    shows: 'nothing_lost',
    around: claims((real) => ({
      claim: (request) => real.claim({ ...request, leaseMs: LEASE_FOR_EVER_MS }),
      renew: (key, token) => real.renew(key, token, LEASE_FOR_EVER_MS),
    })),
  },
  {
    name: 'seal-ignored',
    rule: 6,
    breaks: 'what is sealed never runs',
    shows: 'true_outcome',
    around: claims(() => ({ seal: () => Promise.resolve({ kind: 'sealed' }) })),
  },
  {
    name: 'forget-first',
    rule: 3,
    breaks: 'a claim is dropped after the step that applied its outcome was written, not before',
    shows: 'not_twice',
    around: sessions((real, { claims: store }) => ({
      commit: async (commit) => {
        const { session_id: sessionId } = commit.snapshot;
        const answered = commit.history.flatMap((e) => (e.kind === 'observation' ? [e.intent_id] : []));
        if (answered.length > 0) await store.forget(answered.map((intentId) => ({ sessionId, intentId })));
        return real.commit(commit);
      },
    })),
  },
  {
    name: 'no-cas',
    rule: 2,
    breaks: 'a step is written only onto the version that it was thought from',
    shows: 'timeline',
    around: sessions((real) => ({
      commit: async (commit) => {
        const now = await real.load(commit.snapshot.session_id);
        if (now === null || now.version === commit.expectedVersion) return real.commit(commit);
        return real.commit({
          ...commit,
          expectedVersion: now.version,
          snapshot: { ...commit.snapshot, version: now.version + 1 },
        });
      },
    })),
  },
  {
    name: 'no-wake-up',
    rule: 9,
    breaks: 'a session that has not ended has a wake-up',
    shows: 'nothing_lost',
    around: sessions((real) => ({ commit: (commit) => real.commit({ ...commit, wakeAt: null }) })),
  },
  {
    name: 'wake-not-lowered',
    rule: 9,
    breaks: 'whoever puts an intent off lowers the wake-up to that time',
    shows: 'in_time',
    around: sessions(() => ({ lowerWake: () => Promise.resolve() })),
    options: { faults: 0 },
  },
  {
    name: 'no-republish',
    rule: 2,
    breaks: 'an observation that was applied already publishes the outbox again',
    shows: 'nothing_lost',
    around: sessions((real) => ({
      load: async (sessionId) => {
        const snapshot = await real.load(sessionId);
        return snapshot === null ? null : { ...snapshot, outbox: { ...snapshot.outbox, out: true } };
      },
    })),
    options: SWEEPLESS,
  },
  {
    name: 'commit-early',
    rule: 7,
    breaks: 'a record is finished when its handler is',
    shows: 'nothing_lost',
    around: () => ({
      handler: (_role, handle) => (event, delivery) => {
        handle(event, delivery).catch(() => undefined);
        return Promise.resolve();
      },
    }),
    options: SWEEPLESS,
  },
  {
    name: 'ack-held',
    rule: 3,
    breaks: 'the record of an intent that somebody else runs is finished only when a wake-up carries it on',
    shows: 'nothing_lost',
    around: () => ({
      handler: (role, handle, { claims: store }) =>
        role !== 'dispatcher'
          ? handle
          : async (event, delivery) => {
              const sessionId = event.subject ?? '';
              const [claim] = await store.read([{ sessionId, intentId: event.id }]);
              const now = await store.now();
              if (claim?.outcome === undefined && (claim?.leaseUntil ?? 0) > now) return;
              await handle(event, delivery);
            },
    }),
    options: SWEEPLESS,
  },
  {
    name: 'told-before-the-log',
    rule: 1,
    breaks: 'a submission is accepted when the log has its first observation, and no sooner',
    shows: 'nothing_lost',
    around: () => ({
      ports: (ports) => ({
        ...ports,
        transport: changed(ports.transport, {
          publish: async (all) => {
            const published = ports.transport.publish(all);
            if (!all.some((record) => isOf(record, 'observation.session_created'))) await published;
            else published.catch(() => undefined);
          },
        }),
      }),
    }),
    options: SWEEPLESS,
  },
  {
    name: 'key-not-bound',
    rule: 1,
    breaks: 'the same key is the same session',
    shows: 'one_session',
    around: sessions((real) => ({
      create: async (creation) => {
        const reply = await real.create(creation);
        if (reply.kind === 'created') return reply;
        const { snapshot } = creation;
        return real.create({
          ...creation,
          snapshot: { ...snapshot, session_id: `${snapshot.session_id.slice(0, -1)}_` },
        });
      },
    })),
  },
  {
    name: 'applied-forgotten',
    rule: 2,
    breaks: 'an observation is applied once, by its id',
    shows: 'true_outcome',
    around: sessions((real) => ({
      commit: (commit) => real.commit({ ...commit, snapshot: { ...commit.snapshot, applied: [] } }),
    })),
    options: { forgives: ['log_is_the_truth'], scenario: askedInTurn },
  },
  {
    name: 'passed-over-forgotten',
    rule: 2,
    breaks: 'an answer or a timer that was passed over does not apply when it comes again',
    shows: 'log_is_the_truth',
    around: () => ({
      ports: (ports) => {
        const untold = new Set<string>();
        return {
          ...ports,
          sessions: changed(ports.sessions, {
            commit: (commit) => {
              if (!isPassedOver(commit)) return ports.sessions.commit(commit);
              untold.add(JSON.stringify(commit.snapshot.outbox.commit));
              return Promise.resolve({ kind: 'committed' });
            },
          }),
          transport: changed(ports.transport, {
            publish: (all) => ports.transport.publish(all.filter((record) => !untold.has(commitIn(record)))),
          }),
        };
      },
    }),
    options: { scenario: askedBeside, weights: CRASHES },
  },
  {
    name: 'unknown-guessed',
    rule: 4,
    breaks: 'what nobody saw the end of is unknown, not failed',
    shows: 'true_outcome',
    around: claims((real) => ({
      record: (key, token, outcome, retentionMs) =>
        real.record(
          key,
          token,
          outcome.status === 'unknown' ? { ...outcome, status: 'failed' } : outcome,
          retentionMs,
        ),
    })),
  },
  {
    name: 'unsure-repeated',
    rule: 5,
    breaks: 'what may have been done is not taken for not done',
    shows: 'not_twice',
    around: () => ({
      tools: (tools) =>
        tools.map((tool) => ({
          ...tool,
          run: async (parameters, context) => {
            try {
              return await tool.run(parameters, context);
            } catch (error) {
              throw error instanceof UnknownOutcomeError ? new RetryableError(error.message) : error;
            }
          },
        })),
    }),
  },
  {
    name: 'siblings-left',
    rule: 6,
    breaks: 'a session ends when nothing of it is under way any more',
    shows: 'nothing_lost',
    around: sessions((real) => ({
      commit: (commit) => {
        const { snapshot } = commit;
        const pending = snapshot.pending.filter(({ compensates }) => compensates !== undefined);
        return real.commit(
          snapshot.ending === undefined ? commit : { ...commit, snapshot: { ...snapshot, pending } },
        );
      },
    })),
    options: { forgives: ['log_is_the_truth'] },
  },
  {
    name: 'position-ahead',
    rule: 7,
    breaks: 'a position is committed up to the first record that is not finished',
    shows: 'nothing_lost',
    around: subscriptions(
      (feed) => feed,
      (position) => ({ ...position, offset: position.offset + 1, metadata: '' }),
    ),
    options: SWEEPLESS,
  },
  {
    name: 'claims-go-with-partitions',
    rule: 8,
    breaks: 'a claim outlives the partition that its intent came from',
    shows: 'not_twice',
    around: () => ({
      ports: (ports, process) => {
        const held = new Map<string, ClaimKey>();
        const noting = changed(ports.claims, {
          claim: (request) => {
            const { sessionId, intentId } = request;
            held.set(intentId, { sessionId, intentId });
            return ports.claims.claim(request);
          },
        });
        const losing = subscriptions((feed) => ({
          ...feed,
          assigned: (positions) => feed.assigned(positions),
          records: (partition, batch) => feed.records(partition, batch),
          lost: (partitions) => {
            ports.claims.forget([...held.values()]).catch(() => undefined);
            feed.lost(partitions);
          },
        }))();
        const { transport } = losing.ports?.(ports, process) ?? ports;
        return { ...ports, claims: noting, transport };
      },
    }),
    options: { weights: { rebalance: 12 } },
  },
  {
    name: 'sweeper-lets-go',
    rule: 9,
    breaks: 'the sweeper keeps the wake-up of a session that has not ended',
    shows: 'nothing_lost',
    around: sessions((real) => ({
      moveWake: (sessionId, from) => real.moveWake(sessionId, from, from + LEASE_FOR_EVER_MS),
    })),
  },
  {
    name: 'decision-untold',
    rule: 10,
    breaks: 'the log has what each step decided',
    shows: 'log_is_the_truth',
    around: records((record) => {
      if (!isOf(record, 'intent.tool_call')) return [record];
      const event = JSON.parse(record.value.toString()) as CloudEvent<{ commit?: unknown }>;
      const value = Buffer.from(JSON.stringify({ ...event, data: { ...event.data, commit: undefined } }));
      return [{ ...record, value }];
    }),
  },
  {
    name: 'stranger-run',
    rule: 11,
    breaks: 'an intent of ours whose session is not there is not run',
    shows: 'not_twice',
    around: withDigests((real, digestOf) => ({
      isPending: async (sessionId, intentId) => {
        const reply = await real.isPending(sessionId, intentId);
        if (reply.kind !== 'no_session') return reply;
        return { kind: 'pending', digest: digestOf(intentId) ?? '', cancelRequested: false };
      },
    })),
  },
  {
    name: 'foreign-unclaimed',
    rule: 11,
    breaks: 'an intent of others is run under a claim',
    shows: 'not_twice',
    around: claims((real) => ({
      claim: async (request) => {
        if (request.intentId.startsWith('hash-')) await real.forget([request]);
        return real.claim(request);
      },
    })),
  },
  {
    name: 'letters-lost',
    rule: 13,
    breaks: 'what nobody can process is kept among the dead letters before its record is finished',
    shows: 'dead_letter',
    around: () => ({
      ports: (ports) => ({
        ...ports,
        deadLetters: changed(ports.deadLetters, {
          put: (letter) => Promise.resolve({ ...letter, at: 0 }),
        }),
      }),
    }),
  },
  {
    name: 'own-clock',
    rule: 14,
    breaks: "times of a session are the store's, and never go back",
    shows: 'timeline',
    around: () => ({
      ports: (ports, { name, clock }) => ({
        ...ports,
        sessions: changed(ports.sessions, {
          commit: (commit) => {
            const at = clock.now() - (name.startsWith('a1') ? HOUR_MS : 0);
            return ports.sessions.commit({
              ...commit,
              timeline: commit.timeline.map((entry) => ({ ...entry, at })),
            });
          },
        }),
      }),
    }),
  },
  {
    name: 'newer-finished',
    rule: 15,
    breaks: 'a record that a later release has to read stays unfinished',
    shows: 'nothing_lost',
    around: () => ({
      handler: (_role, handle) => async (event, delivery) => {
        try {
          await handle(event, delivery);
        } catch (error) {
          if (!(DormouseError.is(error) && error.code === 'newer_version')) throw error;
        }
      },
    }),
    options: { ...SWEEPLESS, around: whileReleasesDiffer, forgives: ['log_is_the_truth'] },
  },
];
