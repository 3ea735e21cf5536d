import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SessionView, type TimelineEntry, isTerminal } from '#contracts';
import { eventually, seededRandom } from '#testing';
import { journalFaults, readJournal } from '../journal.js';
import { type Finished, endFaults, historyFaults, orderFaults } from '../session-checks.js';
import { Fleet, type FleetRole, type FleetServers, KAFKA_SESSION_MS, LEASE_MS } from './fleet.js';
import { type ApiClient, PatientClient } from './api-client.js';
import { Load, type Rest, type Submitted } from './load.js';

/** Within it sessions go on by themselves after the last fault. */
const RESUMES_WITHIN_MS = Math.max(LEASE_MS, KAFKA_SESSION_MS) + 10_000;
const SETTLED_WITHIN_MS = 90_000;
const LOOKS_AT_ONCE = 16;

const settled = ({ status }: SessionView): boolean => isTerminal(status) || status === 'parked';

/** Told after the intent's deadline, whatever else goes on. */
const isUnknown = ({ type, payload }: TimelineEntry): boolean =>
  type === 'observation' && (payload as { status?: string }).status === 'unknown';

export interface FaultRunOptions {
  /** in the output and in the keys of its submissions */
  name: string;
  servers: FleetServers;
  roles: readonly FleetRole[];
  perSecond?: number;
  longestToolMs?: number;
  /** default: a {@link PatientClient} */
  client?: (fleet: Fleet) => Promise<ApiClient>;
}

export interface Verdict {
  /** sentences on broken promises; empty when all were kept */
  faults: string[];
  sessions: number;
  parked: number;
}

/** A fleet under load while something is done to it, and the check of what became of all sessions. */
export class FaultRun {
  private readonly remembered = new Map<string, string>();

  private constructor(
    readonly name: string,
    readonly seed: number,
    readonly random: () => number,
    readonly fleet: Fleet,
    private readonly load: Load,
    private readonly folder: string,
  ) {}

  /** Starts the fleet, and the load on it. */
  static async start({
    name,
    servers,
    roles,
    perSecond = 25,
    longestToolMs = 150,
    client,
  }: FaultRunOptions): Promise<FaultRun> {
    const seed = Number(process.env.DORMOUSE_TEST_SEED ?? Date.now() % 1_000_000);
    const random = seededRandom(seed);
    const folder = mkdtempSync(join(tmpdir(), 'dormouse-fault-'));
    const fleet = await Fleet.start(servers, roles, join(folder, 'journal'));
    // its own numbers: what is done to the fleet doesn't depend on how fast the load was
    const api = (await client?.(fleet)) ?? new PatientClient(fleet);
    const load = new Load(api, seededRandom(seed + 1), `${name}-${seed}`, longestToolMs);
    const run = new FaultRun(name, seed, random, fleet, load, folder);
    run.say(`seed ${seed} (DORMOUSE_TEST_SEED repeats it)`);
    load.begin(perSecond);
    return run;
  }

  /** sessions that were accepted so far */
  get accepted(): number {
    return this.load.accepted.length;
  }

  /** So many more sessions, all at once, each of which rests first. */
  burst(sessions: number, rest: Rest): Promise<void> {
    return this.load.burst(sessions, rest);
  }

  say(what: string): void {
    process.stdout.write(`${this.name}: ${what}\n`);
  }

  /** Between two faults: so many milliseconds, at random. */
  async pause(fromMs: number, toMs: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, fromMs + this.random() * (toMs - fromMs)));
  }

  /** Waits until one of the sessions that are submitted from now on has settled: the fleet gets on. */
  async progress(): Promise<void> {
    const from = this.load.accepted.length;
    await eventually(
      async () => {
        for (const { id } of this.load.accepted.slice(from, from + LOOKS_AT_ONCE))
          if (settled(await this.load.session(id))) return true;
        return false;
      },
      { what: 'a new session settled', timeoutMs: SETTLED_WITHIN_MS, everyMs: 50 },
    );
  }

  /** The sessions that have settled by now; in the end they must be as they are. */
  async remember(): Promise<void> {
    await this.each(async ({ id }) => {
      const session = await this.load.session(id);
      if (settled(session)) this.remembered.set(id, JSON.stringify(session));
    });
  }

  /** Nothing more is done to the fleet. Goes on with the load for a while, and then judges what became of all. */
  async verdict(): Promise<Verdict> {
    const lastFaultAt = Date.now();
    await this.progress();
    await this.load.end();
    const finished = await this.finished();
    const journal = readJournal(join(this.folder, 'journal'));
    const faults = journalFaults(journal);
    let resumedMs = 0;
    let lastToGoOn = '';
    for (const [{ id, plan, acceptedAt }, one] of finished) {
      faults.push(...historyFaults(one), ...orderFaults(one, plan), ...endFaults(one, journal));
      const from = Math.max(lastFaultAt, acceptedAt);
      const goesOn = one.timeline.find(({ seq, time }) => seq > 1 && Date.parse(time) >= from);
      if (goesOn !== undefined && !isUnknown(goesOn)) {
        const ms = Date.parse(goesOn.time) - from;
        if (ms > resumedMs) [resumedMs, lastToGoOn] = [ms, id];
      }
      const before = this.remembered.get(id);
      if (before !== undefined && before !== JSON.stringify(one.session))
        faults.push(`${id}: had settled as ${before}, and is ${JSON.stringify(one.session)}`);
    }
    if (resumedMs > RESUMES_WITHIN_MS)
      faults.push(
        `${lastToGoOn} went on ${resumedMs} ms after the last fault, not within ${RESUMES_WITHIN_MS}`,
      );
    if (new Set(finished.map(([{ id }]) => id)).size !== finished.length)
      faults.push('two submissions got one id');
    const parked = finished.filter(([, { session }]) => session.status === 'parked').length;
    this.say(
      `${finished.length} sessions, ${parked} parked, ${this.remembered.size} compared, ${journal.length} journal lines; the last to go on did so after ${resumedMs} ms`,
    );
    return { faults, sessions: finished.length, parked };
  }

  /** Ends the fleet in order; the exit codes of its processes. */
  async stop(): Promise<(number | null)[]> {
    return Promise.all(this.fleet.all().map(({ runtime }) => runtime.end('SIGTERM')));
  }

  async remove(): Promise<void> {
    this.load.abandon();
    await this.fleet.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Waits until every session has settled. */
  private async finished(): Promise<[Submitted, Finished][]> {
    const end = performance.now() + SETTLED_WITHIN_MS;
    const finished: [Submitted, Finished][] = [];
    await this.each(async (submitted) => {
      const { id } = submitted;
      for (;;) {
        const session = await this.load.session(id);
        if (settled(session)) {
          finished.push([submitted, { session, timeline: await this.load.timeline(id) }]);
          return;
        }
        if (performance.now() > end)
          throw new Error(`seed ${this.seed}: ${id} hangs: ${JSON.stringify(session)}\n${this.fleet.logs()}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
    return finished;
  }

  /** Looks at all sessions that were accepted, some at once. */
  private async each(look: (submitted: Submitted) => Promise<void>): Promise<void> {
    const left = this.load.accepted.slice();
    const looking = async (): Promise<void> => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) await look(one);
    };
    await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, looking));
  }
}
