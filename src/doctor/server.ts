import {
  DEFAULT_TENANT,
  type Finding,
  type Liveness,
  type Readiness,
  risk,
  unknown,
  well,
  wrong,
} from '#contracts';
import { LABELS, METRICS } from '#telemetry';
import { ApiClient, Unreachable } from '../cli/api-client.js';
import { within } from '../within.js';
import { PATIENCE_MS, type Unreached } from './look.js';
import { letterFinding, parkedFinding } from './waiting.js';

const CHECK = 'server';
const PAGE = 500;

/** The number of one metric with one label, or of all of a name together; undefined where it isn't told. */
export const metricIn = (text: string, name: string, label?: [string, string]): number | undefined => {
  let sum: number | undefined;
  for (const line of text.split('\n')) {
    const [, found, labels = '', value] = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/.exec(line) ?? [];
    if (found !== name || value === undefined) continue;
    if (label !== undefined && !labels.includes(`${label[0]}="${label[1]}"`)) continue;
    sum = (sum ?? 0) + Number(value);
  }
  return sum;
};

export interface ServerQuery {
  url: string;
  tenant: string | undefined;
  /** it has a store of its own, which nobody else can look into */
  alone: boolean;
  /** somebody is known to run */
  expected: boolean;
}

/** What a running server tells of itself, if one answers. */
export const lookAtServer = async (query: ServerQuery): Promise<(Finding & Unreached)[]> => {
  const { url, tenant, alone, expected } = query;
  const client = new ApiClient(url, tenant);
  let live: Liveness;
  try {
    live = (await (await within(PATIENCE_MS, client.call('/health/live'))).json()) as Liveness;
  } catch (error) {
    const reason = error instanceof Unreachable ? error.message : String(error);
    if (!expected)
      return [unknown(CHECK, `none answers at ${url}: what only a running one knows wasn't looked at`)];
    const advice = 'Is DORMOUSE_URL (or HOST and PORT) that of the process? See its log.';
    return [
      { ...wrong(CHECK, { expected: `an answer at ${url}`, came: reason, advice }), unreachable: true },
    ];
  }
  return [
    well(CHECK, `${url} is ${live.instance} (${live.roles.join(', ')}; ${live.version})`),
    ...(await readiness(url)),
    ...(await counts(client, alone)),
    ...(alone ? [await deadLetters(client, tenant ?? DEFAULT_TENANT)] : []),
  ];
};

/** Its answer is one whatever its status. */
const readiness = async (url: string): Promise<Finding[]> => {
  const response = await within(PATIENCE_MS, fetch(`${url}/health/ready`));
  const { status, checks } = (await response.json()) as Readiness;
  if (status === 'ready') return [well('readiness', checks.map(({ name }) => name).join(', '))];
  return checks
    .filter(({ ok }) => !ok)
    .map(({ name, detail = 'not ready' }) =>
      wrong(`readiness: ${name}`, {
        expected: 'the process to be ready',
        came: detail,
        advice: 'docs/operations.md (Readiness) says what each check means.',
      }),
    );
};

/** What it has counted; what is in its own store too, which nobody else can look into. */
const counts = async (client: ApiClient, alone: boolean): Promise<Finding[]> => {
  const text = await (await client.call('/metrics')).text();
  const findings: Finding[] = [];
  const lost = metricIn(text, METRICS.tool.claimsLost);
  if (lost !== undefined)
    findings.push(
      lost === 0
        ? well('lost claims', 'none in this process since its start')
        : risk('lost claims', {
            expected: 'none beside cancels',
            came: `${lost} in this process since its start`,
            advice:
              'More than cancels: processes are starved for longer than DORMOUSE_LEASE_MS, or Redis came back without its last writes.',
          }),
    );
  if (!alone) return findings;
  const last = metricIn(text, METRICS.audit.lastPass);
  const repaired = metricIn(text, METRICS.audit.repaired) ?? 0;
  findings.push(
    repaired > 0
      ? risk('repaired wake-ups', {
          expected: 'none',
          came: `${repaired} by this process since its start`,
          advice:
            'Its log names the sessions. Find who deletes or writes keys, or which failover brought back older ones.',
        })
      : last === undefined
        ? unknown('repaired wake-ups', 'the first pass over all sessions is under way')
        : well('repaired wake-ups', `none; the last pass ended ${new Date(last * 1_000).toISOString()}`),
  );
  const parked = metricIn(text, METRICS.audit.sessions, [LABELS.status, 'parked']) ?? 0;
  if (last !== undefined) findings.push(parkedFinding(parked, 'of all tenants, as of the last pass'));
  return findings;
};

const deadLetters = async (client: ApiClient, tenant: string): Promise<Finding> => {
  const { dead_letters: letters, next_cursor: more } = await client.deadLetters(
    new URLSearchParams({ redriven: 'false', limit: String(PAGE) }),
  );
  return letterFinding(
    letters.map(({ reason }) => reason),
    more === null,
    tenant,
  );
};
