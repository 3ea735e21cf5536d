import { isTerminal, type Submission } from '#contracts';
import type { RegisteredTool } from '#dispatcher';
import { EmbeddedSlotStore, type SlotStore } from '#idempotency';
import { ClaimRows } from '../servers/claim-rows.js';
import { DeadLetterRows } from '../servers/dead-letter-rows.js';
import { LogRows } from '../servers/log-rows.js';
import { SessionRows } from '../servers/session-rows.js';
import { SimulatedClaimStore } from '../servers/simulated-claim-store.js';
import { SimulatedDeadLetterStore } from '../servers/simulated-dead-letter-store.js';
import { SimulatedSessionStore } from '../servers/simulated-session-store.js';
import { SimulatedTransport } from '../servers/simulated-transport.js';
import type { Stage } from '../workload/acting-tools.js';
import { externalWorker } from '../workload/external-worker.js';
import { People } from '../workload/people.js';
import { BEGIN_MS, drawScenario, type Scenario } from '../workload/scenario.js';
import { SimulatedModel } from '../workload/simulated-model.js';
import type { Api } from '../workload/somebody.js';
import { strayRecord } from '../workload/strays.js';
import { type PeopleOptions, withPeople } from '../workload/with-people.js';
import { Agenda, drive } from './agenda.js';
import { type FaultKind, FaultPlan, type FaultPlanOptions } from './faults.js';
import { Ledger } from './ledger.js';
import { GROUPS, TOPICS } from './naming.js';
import { type Handle, type Ports, type Role, SimulatedNode } from './node.js';
import { Randomness } from './randomness.js';
import { SimulatedProcess } from './simulated-process.js';
import { Trace } from './trace.js';
import { type ServerName, type Surroundings, Wire } from './wire.js';

/** How long a coordinator waits for a silent member. */
const MEMBER_MS = 6_000;
const RESTART_MS = 60_000;
const FROZEN_MS = 60_000;
const OUTAGE_MS = 20_000;
/** When everything has ended, what was frozen or on its way still gets this long. */
const QUIET_MS = 45_000;
/** By then every session has ended, or never will. */
const LIMIT_MS = 6 * 3_600_000;
const LOST_WRITES_MS = 1_000;

/** Puts something before the parts of a process: how tests break a rule on purpose. */
export interface Around {
  ports?: (ports: Ports, process: SimulatedProcess) => Ports;
  tools?: (tools: RegisteredTool[]) => RegisteredTool[];
  handler?: (role: Role, handle: Handle, ports: Ports) => Handle;
}

export interface WorldOptions extends PeopleOptions {
  seed: number;
  traced: boolean;
  faults: (scenario: Scenario) => FaultPlanOptions;
  /** the tools of a process */
  tools: (stage: Stage) => RegisteredTool[];
  submission?: Submission;
  around?: Around;
  /** false: there is no sweeper, and what it would have to repair must not be needed */
  sweeps?: boolean;
  /** the schedulers audit the wake-ups too; default: not, so that a wake-up that is lost shows */
  audits?: boolean;
  /** stores may lose what they acknowledged */
  forgetful: boolean;
  /** changes what was drawn */
  scenario?: (scenario: Scenario) => Scenario;
}

const NOTHING: ReadonlySet<string> = new Set();

interface Member {
  process: SimulatedProcess;
  node: SimulatedNode;
  name: string;
  roles: readonly Role[];
  life: number;
  /** its coordinator took it for gone */
  evicted: boolean;
}

/** One schedule: servers, processes and clients, and everything that happens between them. */
export class World implements Surroundings {
  readonly beganAt = BEGIN_MS;
  readonly agenda = new Agenda(BEGIN_MS);
  readonly random: Randomness;
  readonly trace: Trace | undefined;
  readonly faults: FaultPlan;
  readonly scenario: Scenario;
  readonly ledger = new Ledger();
  readonly sessions: SessionRows;
  readonly claims: ClaimRows;
  readonly deadLetters: DeadLetterRows;
  /** reached without faults: what a slot decides is when a tool runs, not whether */
  readonly slots: SlotStore;
  readonly log: LogRows;
  readonly people: People;
  private readonly members: Member[] = [];
  private readonly outages = new Map<ServerName, number>();
  private readonly cutOff = new Map<SimulatedProcess, number>();
  private serverAheadMs = 0;
  private joined = 0;
  private quietSince = Infinity;
  private refusal: Error | undefined;

  constructor(private readonly options: WorldOptions) {
    this.random = new Randomness(options.seed);
    this.trace = options.traced ? new Trace(() => this.agenda.now, BEGIN_MS) : undefined;
    const now = () => this.serverNow();
    this.sessions = new SessionRows(now);
    this.claims = new ClaimRows(now);
    this.slots = new EmbeddedSlotStore(now);
    this.log = new LogRows(now);
    const drawn = drawScenario(this.random, options.submission);
    const wanted = withPeople(drawn, options.seed, options, options.submission);
    this.scenario = options.scenario?.(wanted) ?? wanted;
    this.faults = new FaultPlan(this.random, options.faults(this.scenario));
    this.deadLetters = new DeadLetterRows(now, this.scenario.settings.retentionMs);
    this.people = new People(this, this.scenario, {
      ledger: this.ledger,
      serverNow: now,
      looksAgain: options.forgetful,
    });
    this.sessions.commits.push(({ snapshot }) => {
      this.people.see(snapshot);
    });
    this.deadLetters.onPut = (letter) => {
      this.people.find(letter);
    };
    this.sessions.onWake = () => {
      for (const { node } of this.members) node.wakeSweeper();
    };
  }

  /**
   * Lets it all happen; resolves when everything has ended and nothing moves any more, or never will.
   *
   * Errors: `invalid_plan`, `invalid_request`, `no_brain` of what was to be submitted
   */
  async run(): Promise<void> {
    for (const { topic, partitions } of Object.values(TOPICS).map((topic) => ({
      topic,
      partitions: this.scenario.settings.partitions,
    })))
      this.log.make({ topic, partitions });
    for (const { name, roles } of this.scenario.processes) this.begin(name, roles, 1);
    this.people.begin();
    this.scenario.strays.forEach(({ kind, atMs, times }, number) => {
      for (let copy = 0; copy < times; copy++)
        this.agenda.after(atMs * (copy + 1), () => {
          this.log.append([strayRecord(kind, number)]);
        });
    });
    const { older } = this.scenario;
    if (older !== undefined)
      this.agenda.after(older.untilMs, () => {
        this.renew(older.process);
      });
    const end = BEGIN_MS + LIMIT_MS;
    await drive(this.agenda, () => this.agenda.now > end || this.isOver());
  }

  /** Records that nobody has finished, by group. */
  backlog(): string[] {
    return [
      [TOPICS.observation, GROUPS.commander] as const,
      [TOPICS.intent, GROUPS.dispatcher] as const,
    ].flatMap(([topic, group]) => {
      const { positions } = this.log.group(topic, group);
      return this.log.topic(topic).partitions.flatMap((records, partition) => {
        const { offset = 0 } = positions[partition] ?? {};
        return offset < records.length
          ? [`${group} has finished ${offset} of ${records.length} records of ${topic}/${partition}`]
          : [];
      });
    });
  }

  private isOver(): boolean {
    if (this.refusal !== undefined) throw this.refusal;
    if (!this.isSettled()) {
      this.quietSince = Infinity;
      return false;
    }
    this.quietSince = Math.min(this.quietSince, this.agenda.now);
    const quietMs = this.agenda.now - this.quietSince;
    return quietMs >= QUIET_MS && (this.backlog().length === 0 || quietMs >= 20 * QUIET_MS);
  }

  private isSettled(): boolean {
    for (const { status, unheard } of this.sessions.rows.values())
      if (!isTerminal(status) && (status !== 'parked' || unheard)) return false;
    if (!this.people.done) return false;
    for (const { process } of this.members) if (process.state === 'frozen') return false;
    return true;
  }

  refused(error: Error): void {
    this.refusal = error;
  }

  serverNow(): number {
    return this.agenda.now + this.serverAheadMs;
  }

  api(): Api | undefined {
    const able = this.members.filter(
      ({ process, node }) => process.alive && !node.stops && node.api !== undefined,
    );
    return able.length === 0 ? undefined : this.random.pick(able).node.api;
  }

  isCut(server: ServerName, process: SimulatedProcess): boolean {
    const { now } = this.agenda;
    return (this.outages.get(server) ?? 0) > now || (this.cutOff.get(process) ?? 0) > now;
  }

  faultOf(process: SimulatedProcess): FaultKind | undefined {
    const kind = this.faults.next();
    if (kind !== undefined) this.cause(kind, process);
    return kind;
  }

  crash(process: SimulatedProcess): void {
    const member = this.members.find((m) => m.process === process);
    if (member === undefined || !process.alive) return;
    this.trace?.add(process.name, '*** dies');
    this.end(member);
  }

  freeze(process: SimulatedProcess): void {
    const member = this.members.find((m) => m.process === process);
    if (member === undefined || process.state !== 'running') return;
    const forMs = this.random.chance(0.5) ? this.random.int(10, 3_000) : this.random.int(3_000, FROZEN_MS);
    process.freeze(this.random.chance(0.5));
    this.trace?.add(process.name, `*** stands still for ${forMs} ms`);
    this.agenda.after(MEMBER_MS, () => {
      if (process.state !== 'frozen') return;
      member.evicted = true;
      member.node.evict();
    });
    this.agenda.after(forMs, () => {
      if (process.state !== 'frozen') return;
      this.trace?.add(process.name, '*** goes on');
      process.goOn();
      if (member.evicted)
        process.after(this.random.int(0, 3_000), () => {
          member.evicted = false;
          member.node.rejoin();
        });
    });
  }

  private cause(kind: FaultKind, process: SimulatedProcess): void {
    const { agenda, random } = this;
    switch (kind) {
      case 'rebalance': {
        const commanders = random.chance(0.5);
        this.trace?.add('log', `*** deals out ${commanders ? GROUPS.commander : GROUPS.dispatcher} anew`);
        if (commanders) this.log.group(TOPICS.observation, GROUPS.commander).rebalance();
        else this.log.group(TOPICS.intent, GROUPS.dispatcher).rebalance();
        break;
      }
      case 'outage': {
        const server = random.pick(['sessions', 'claims', 'log'] as const);
        const forMs = random.int(10, OUTAGE_MS);
        this.trace?.add(server, `*** answers nobody for ${forMs} ms`);
        this.outages.set(server, agenda.now + forMs);
        break;
      }
      case 'cut_off': {
        const forMs = random.int(10, OUTAGE_MS);
        this.trace?.add(process.name, `*** is cut off for ${forMs} ms`);
        this.cutOff.set(process, agenda.now + forMs);
        break;
      }
      case 'stop': {
        const running = this.members.filter((m) => m.process.state === 'running' && !m.node.stops);
        if (running.length > 0) this.stop(random.pick(running));
        break;
      }
      case 'join': {
        const { roles } = random.pick(this.scenario.processes);
        this.joined++;
        this.begin(`j${this.joined}`, roles, 1);
        break;
      }
      case 'clock_ahead': {
        const ms = random.int(1, 2 * this.scenario.settings.leaseMs);
        this.trace?.add('clock', `*** jumps ahead by ${ms} ms`);
        this.serverAheadMs += ms;
        break;
      }
      case 'memory_loss': {
        const since = this.serverNow() - random.int(0, LOST_WRITES_MS);
        const which = random.pick(['both', 'both', 'sessions', 'claims'] as const);
        const sessions = which === 'claims' ? 0 : this.sessions.undo.takeBack(since);
        const claims = which === 'sessions' ? 0 : this.claims.undo.takeBack(since);
        this.trace?.add(
          'stores',
          `*** come back without ${sessions} writes of sessions, ${claims} of claims`,
        );
        break;
      }
      default:
    }
  }

  private begin(name: string, roles: readonly Role[], life: number): void {
    const { options, agenda, random, scenario } = this;
    const { settings } = scenario;
    const skewMs = random.chance(0.7) ? 0 : random.int(-settings.leaseMs / 10, settings.leaseMs / 10);
    const process = new SimulatedProcess(agenda, life === 1 ? name : `${name}.${life}`, skewMs);
    this.trace?.add(process.name, `*** begins: ${roles.join(', ')}`);
    const log = new SimulatedTransport(this.log, new Wire(this, process, 'log'), () => random.int(1, 8));
    const own: Ports = {
      sessions: new SimulatedSessionStore(this.sessions, new Wire(this, process, 'sessions')),
      slots: this.slots,
      claims: new SimulatedClaimStore(this.claims, new Wire(this, process, 'claims')),
      deadLetters: new SimulatedDeadLetterStore(this.deadLetters, new Wire(this, process, 'sessions')),
      transport: log,
    };
    const ports = options.around?.ports?.(own, process) ?? own;
    const around = options.around?.handler;
    const stage: Stage = {
      agenda,
      ledger: this.ledger,
      process,
      random,
      serverNow: () => this.serverNow(),
    };
    const tools = options.tools(stage);
    const sweeps = options.sweeps ?? true;
    const node = new SimulatedNode({
      process,
      roles: sweeps ? roles : roles.filter((role) => role !== 'scheduler'),
      ports,
      log,
      settings,
      tools: options.around?.tools?.(tools) ?? tools,
      lacks: this.isOlder(name) ? new Set(scenario.older?.lacks) : NOTHING,
      others: externalWorker(stage, ports.transport),
      model: new SimulatedModel(process, random, (what) => this.ledger.complaints.push(what)),
      random: random.next,
      around: around === undefined ? (_role, handle) => handle : (role, handle) => around(role, handle, own),
      nextWakeInMs: () => this.sessions.earliestWake() - this.serverNow(),
      audits: options.audits ?? false,
      failed: () => {
        this.crash(process);
      },
    });
    this.members.push({ process, node, name, roles, life, evicted: false });
    node.start();
  }

  private isOlder(name: string): boolean {
    const { older } = this.scenario;
    return older?.process === name && this.agenda.now < BEGIN_MS + older.untilMs;
  }

  /** The process of an earlier release is replaced. */
  private renew(name: string): void {
    const member = this.members.find((m) => m.name === name && m.life >= 1);
    if (member === undefined || member.node.stops) return;
    if (member.process.state === 'running') this.stop(member);
    else this.crash(member.process);
  }

  private stop(member: Member): void {
    this.trace?.add(member.process.name, '*** is shut down');
    void member.node.stop().then(
      () => {
        this.trace?.add(member.process.name, '*** has ended');
        this.end(member);
      },
      () => {
        this.crash(member.process);
      },
    );
  }

  /** It is gone; its coordinator notices, and somebody starts it again. */
  private end(member: Member): void {
    const { process, node, name, roles, life } = member;
    const at = this.members.indexOf(member);
    if (at < 0) return;
    process.kill();
    node.end();
    this.members.splice(at, 1);
    this.agenda.after(MEMBER_MS, () => {
      node.evict();
    });
    const inMs = this.random.chance(0.6) ? this.random.int(20, 2_000) : this.random.int(2_000, RESTART_MS);
    this.agenda.after(inMs, () => {
      this.begin(name, roles, life + 1);
    });
  }
}
