import { type Finding, risk, unknown, well, wrong } from '#contracts';
import { auditLook } from '#scheduler';
import { storeEmptied, type AuditNotes } from '#state';
import type { Settings } from '../config/index.js';
import { ROLES } from '../config/roles.js';
import { clockFinding } from '../checks/clock-check.js';
import { clockSkewMs } from '../http/health/clock-skew.js';
import type { RedisStores } from '../storage.js';
import { letterFinding, parkedFinding } from './waiting.js';

/** Time for looking at all wake-ups; what isn't seen by then is left to the auditors. */
const LOOK_MS = 10_000;
/** A pass and its rest take minutes with a hundred thousand sessions. */
const OLD_PASS_MS = 30 * 60_000;
const NAMED = 5;
const LETTERS = 500;

/** What the keys of Redis tell of the deployment. */
export const redisFindings = async (
  stores: RedisStores,
  settings: Settings,
  tenant: string,
): Promise<Finding[]> => {
  const { sessions } = stores;
  const { leaseMs } = settings.protocol;
  const clock = clockFinding(await clockSkewMs(sessions), leaseMs);
  if (await sessions.isEmptied()) return [...stores.findings, clock, emptied()];
  const [wakes, auditor, roles, letters] = await Promise.all([
    wakeFindings(stores),
    auditFinding(stores),
    roleFinding(stores),
    lettersFinding(stores, tenant),
  ]);
  return [...stores.findings, clock, roles, ...wakes, auditor, letters];
};

const emptied = (): Finding =>
  risk('session store', {
    expected: 'the mark of a store in use',
    came: 'none: it is new, or has lost its data',
    advice: `A store that is new is marked at the first start. Else: ${storeEmptied().message}`,
  });

const roleFinding = async ({ deliveries }: RedisStores): Promise<Finding> => {
  const check = 'processes';
  const instances = await deliveries.instances();
  const told = instances.map(({ name, roles, version }) => `${name} (${roles.join(', ')}; ${version})`);
  const missing = ROLES.filter((role) => !instances.some(({ roles }) => roles.includes(role)));
  const expected = 'at least one process of each role';
  if (instances.length === 0)
    return risk(check, { expected, came: 'none that lives', advice: 'Start them: `dormouse start`.' });
  if (missing.length > 0)
    return wrong(check, {
      expected,
      came: `none with the role ${missing.join(', ')}, beside ${told.join(', ')}`,
      advice: `Start one with DORMOUSE_ROLES=${missing.join(',')}.`,
    });
  return well(check, told.join(', '));
};

/** Looks at all wake-ups itself: nobody else may be there to do it. */
const wakeFindings = async ({ sessions }: RedisStores): Promise<Finding[]> => {
  const end = performance.now() + LOOK_MS;
  const { sessions: live, violations, whole } = await auditLook(sessions, () => performance.now() > end);
  const count = Object.values(live).reduce((sum, n) => sum + n, 0);
  const byStatus = Object.entries(live).map(([status, n]) => `${n} ${status}`);
  const seen = whole
    ? `${count} sessions have not ended${count === 0 ? '' : `: ${byStatus.join(', ')}`}`
    : `looked at ${count} sessions in ${LOOK_MS / 1_000} s, which are not all`;
  const named = violations.slice(0, NAMED).map(({ sessionId, fault }) => `${sessionId} (${fault})`);
  const wakes =
    violations.length === 0
      ? whole
        ? well('wake-ups', `each session has its own; ${seen}`)
        : unknown('wake-ups', seen)
      : wrong('wake-ups', {
          expected: 'exactly one of each session that has not ended',
          came: `${violations.length} that are not so: ${named.join(', ')}${violations.length > NAMED ? ' …' : ''}`,
          advice:
            'A process with the role scheduler repairs them; start one. If they come again, find who deletes keys.',
        });
  const parked = live.parked ?? 0;
  const isKnown = whole || parked > 0;
  return [
    wakes,
    isKnown
      ? parkedFinding(parked, `${whole ? '' : 'or more, '}of all tenants`)
      : unknown('parked sessions', 'not all sessions were looked at'),
  ];
};

const auditFinding = async ({ sessions }: RedisStores): Promise<Finding> => {
  const [notes, now] = await Promise.all([sessions.audit.notes(), sessions.now()]);
  return passFinding(notes, now);
};

/** Of the auditors of running schedulers. */
const passFinding = ({ last }: AuditNotes, now: number): Finding => {
  const check = 'audit';
  if (last === null) return unknown(check, 'no scheduler has looked at all sessions yet');
  const repaired = Object.entries(last.repaired).map(([fault, count]) => `${count} ${fault}`);
  const when = new Date(last.finishedAt).toISOString();
  if (now - last.finishedAt > OLD_PASS_MS)
    return risk(check, {
      expected: 'a pass over all sessions within the last half hour',
      came: `the last one ended ${when}`,
      advice: 'Is there a process with the role scheduler, and is it ready?',
    });
  if (repaired.length > 0)
    return risk(check, {
      expected: 'every session to have exactly one wake-up',
      came: `${repaired.join(', ')}, repaired in the pass that ended ${when}`,
      advice: 'Find who deletes or writes keys of Redis, or which failover brought back older ones.',
    });
  return well(check, `the last pass ended ${when} and found nothing to repair`);
};

const lettersFinding = async ({ deadLetters }: RedisStores, tenant: string): Promise<Finding> => {
  const { letters, nextCursor } = await deadLetters.list({ tenant, redriven: false, limit: LETTERS });
  return letterFinding(
    letters.map(({ letter }) => letter.reason),
    nextCursor === undefined,
    tenant,
  );
};
