import type { ClaimKey, ClaimStore } from '#idempotency';
import type { Around, Finding, Ports, SimulatorOptions } from '#simulator';
import type { SessionStore } from '#state';
import { plainPlans, withForgeries } from './profiles.js';

/** A rule of the protocol, broken on purpose by something that stands before the ports of each process. */
export interface Mutant {
  name: string;
  /** the rule of docs/protocol.md that it leaves out */
  breaks: string;
  /** the promise that is broken by that */
  shows: Finding['promise'];
  around: () => Around;
  /** what it takes to notice; the unbroken parts keep their promises under the same options */
  options?: SimulatorOptions;
}

/** The port with some calls changed. */
const changed = <Port extends object>(port: Port, changes: Partial<Port>): Port =>
  Object.assign(Object.create(port) as Port, changes);

const claims =
  (change: (real: ClaimStore, digestOf: (key: ClaimKey) => string) => Partial<ClaimStore>) => (): Around => {
    const digests = new Map<string, string>();
    return {
      ports: (ports) => {
        const { claims: real } = ports;
        const noting = changed(real, {
          claim: (request) => {
            digests.set(request.intentId, request.digest);
            return real.claim(request);
          },
        });
        return {
          ...ports,
          claims: changed(
            noting,
            change(noting, ({ intentId }) => digests.get(intentId) ?? ''),
          ),
        };
      },
    };
  };

const sessions = (change: (real: SessionStore, ports: Ports) => Partial<SessionStore>) => (): Around => ({
  ports: (ports) => ({ ...ports, sessions: changed(ports.sessions, change(ports.sessions, ports)) }),
});

/** Both, where one has to know what the other was asked. */
const withDigests =
  (
    change: (real: SessionStore, digestOf: (intentId: string) => string | undefined) => Partial<SessionStore>,
  ) =>
  (): Around => {
    const digests = new Map<string, string>();
    return {
      ports: (ports) => ({
        ...ports,
        claims: changed(ports.claims, {
          claim: (request) => {
            digests.set(request.intentId, request.digest);
            return ports.claims.claim(request);
          },
        }),
        sessions: changed(
          ports.sessions,
          change(ports.sessions, (intentId) => digests.get(intentId)),
        ),
      }),
    };
  };

const LEASE_FOR_EVER_MS = 10 * 365 * 24 * 3_600_000;
/** Where two intents have one id, a session parks for a person; more isn't promised. */
const FORGED = ['dead_letter', 'one_outcome', 'true_outcome', 'compensation'] as const;
/** No sweeper repairs what the log itself should bring back. */
const SWEEPLESS: SimulatorOptions = { sweeps: false, scenario: plainPlans };

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no-claim',
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
    breaks: 'what may not run twice is marked as started before it runs',
    shows: 'not_twice',
    around: claims(() => ({ start: () => Promise.resolve('started') })),
  },
  {
    name: 'no-pending-check',
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
    breaks: 'an intent with other parameters than its session sent is not run',
    shows: 'not_twice',
    around: withDigests((real, digestOf) => ({
      isPending: async (sessionId, intentId) => {
        const reply = await real.isPending(sessionId, intentId);
        return reply.kind === 'pending' ? { ...reply, digest: digestOf(intentId) ?? reply.digest } : reply;
      },
    })),
    options: { forgives: FORGED, around: withForgeries },
  },
  {
    name: 'handback-deletes',
    breaks: 'a hand-back ends a lease and deletes nothing',
    shows: 'not_twice',
    around: claims((real) => ({ handBack: (key) => real.forget([key]) })),
  },
  {
    name: 'publish-first',
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
  },
  {
    name: 'own-outcome-first',
    breaks: 'what is recorded counts, not what a late owner saw',
    shows: 'one_outcome',
    around: claims((real) => ({
      record: async (key, token, outcome, retentionMs) => {
        const reply = await real.record(key, token, outcome, retentionMs);
        return reply.kind === 'superseded' ? { kind: 'recorded' } : reply;
      },
    })),
  },
  {
    name: 'no-lease',
    breaks: 'a claim whose owner is silent can be taken over',
    shows: 'nothing_lost',
    around: claims((real) => ({
      claim: (request) => real.claim({ ...request, leaseMs: LEASE_FOR_EVER_MS }),
      renew: (key, token) => real.renew(key, token, LEASE_FOR_EVER_MS),
    })),
  },
  {
    name: 'seal-ignored',
    breaks: 'what is sealed never runs',
    shows: 'true_outcome',
    around: claims(() => ({ seal: () => Promise.resolve({ kind: 'sealed' }) })),
  },
  {
    name: 'forget-first',
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
    breaks: 'a session that has not ended has a wake-up',
    shows: 'nothing_lost',
    around: sessions((real) => ({ commit: (commit) => real.commit({ ...commit, wakeAt: null }) })),
  },
  {
    name: 'wake-not-lowered',
    breaks: 'whoever puts an intent off lowers the wake-up to that time',
    shows: 'in_time',
    around: sessions(() => ({ lowerWake: () => Promise.resolve() })),
    options: { faults: 0 },
  },
  {
    name: 'no-republish',
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
];
