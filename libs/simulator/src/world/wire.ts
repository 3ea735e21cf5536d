import { DormouseError } from '#contracts';
import type { Line, Way } from '../servers/line.js';
import type { FaultKind } from './faults.js';
import type { Randomness } from './randomness.js';
import type { SimulatedProcess } from './simulated-process.js';
import { shortly, type Trace } from './trace.js';
import type { Agenda } from './agenda.js';

export type ServerName = 'sessions' | 'claims' | 'log';

/** What a wire needs of the world around it. */
export interface Surroundings {
  readonly agenda: Agenda;
  readonly random: Randomness;
  readonly trace: Trace | undefined;
  serverNow(): number;
  /** what goes wrong with the next call */
  faultOf(process: SimulatedProcess): FaultKind | undefined;
  /** nobody there, or no way there */
  isCut(server: ServerName, process: SimulatedProcess): boolean;
  crash(process: SimulatedProcess): void;
  freeze(process: SimulatedProcess): void;
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

const unavailable = (server: ServerName): DormouseError =>
  new DormouseError('unavailable', `no answer from ${server}`, { retryable: true });

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

type Answer<T> = { value: T } | { error: unknown };

const tried = <T>(effect: () => T): Answer<T> => {
  try {
    return { value: effect() };
  } catch (error) {
    return { error };
  }
};

const SLOW_MS = 20_000;

/** The line between a process and a server in a simulation: takes its time, and what goes wrong goes wrong here. */
export class Wire implements Line {
  private toldUntil = 0;
  private sentUntil = 0;

  constructor(
    private readonly world: Surroundings,
    private readonly process: SimulatedProcess,
    private readonly server: ServerName,
  ) {}

  now(): number {
    return this.world.serverNow();
  }

  tell(run: () => void): void {
    const { agenda, random } = this.world;
    const ms = random.chance(0.05) ? random.int(0, 300) : random.int(0, 2);
    this.toldUntil = Math.max(this.toldUntil, agenda.now + ms);
    agenda.at(this.toldUntil, () => {
      this.process.reach(run);
    });
  }

  call<T>(what: string, effect: () => T, { inOrder, once, part }: Partial<Way> = {}): Promise<T> {
    const { world, process } = this;
    if (!process.alive) return never();
    const drawn = world.faultOf(process);
    const fault = once === true && (drawn === 'late' || drawn === 'twice') ? 'reply_lost' : drawn;
    if (fault === 'crash_before') {
      this.note(what, fault);
      world.crash(process);
      return never();
    }
    return new Promise<T>((resolve, reject) => {
      const reply = (answer: Answer<T>, ms: number) => {
        if (ms === 0) settle(answer);
        else
          world.agenda.after(ms, () => {
            settle(answer);
          });
      };
      const settle = (answer: Answer<T>) => {
        process.reach(() => {
          if ('value' in answer) resolve(answer.value);
          else reject(asError(answer.error));
        });
      };
      const arrive = () => {
        this.take(what, fault, effect, part, reply);
      };
      const leave = () => {
        const at = world.agenda.now + this.wayMs(fault === 'slow');
        if (inOrder === true) this.sentUntil = Math.max(this.sentUntil, at);
        world.agenda.at(inOrder === true ? this.sentUntil : at, arrive);
      };
      if (fault === 'freeze_before') {
        this.note(what, fault);
        world.freeze(process);
      }
      // a process that was just frozen sends it when it goes on
      process.reach(leave);
    });
  }

  /** It is there: what happens, and what the process hears of it. */
  private take<T>(
    what: string,
    fault: FaultKind | undefined,
    effect: () => T,
    part: (() => void) | undefined,
    reply: (answer: Answer<T>, ms: number) => void,
  ): void {
    const { world, process, server } = this;
    const { random, agenda } = world;
    const lost = { error: unavailable(server) };
    const happen = (told: string | undefined = fault): Answer<T> => {
      const answer = tried(effect);
      this.note(what, told, answer);
      return answer;
    };
    if (world.isCut(server, process)) {
      if (random.chance(0.2)) happen('no reply');
      else this.note(what, 'no way there');
      reply(lost, random.int(0, 500));
      return;
    }
    switch (fault) {
      case 'crash_after':
        happen();
        world.crash(process);
        return;
      case 'freeze_after': {
        const answer = happen();
        world.freeze(process);
        reply(answer, 0);
        return;
      }
      case 'refused':
        this.note(what, fault);
        reply(lost, random.int(0, 2_000));
        return;
      case 'in_part':
        this.note(what, fault);
        part?.();
        reply(lost, random.int(0, 2_000));
        return;
      case 'reply_lost':
        happen();
        reply(lost, random.int(0, 5_000));
        return;
      case 'late':
        this.note(what, 'on its way, given up');
        reply(lost, 0);
        agenda.after(random.int(0, SLOW_MS), happen);
        return;
      case 'twice':
        happen('first arrival');
        agenda.after(random.chance(0.5) ? random.int(0, 50) : random.int(0, SLOW_MS), () => {
          reply(happen('second arrival'), 0);
        });
        return;
      case 'slow':
        reply(happen(), random.int(0, SLOW_MS));
        return;
      default:
        reply(happen(undefined), random.chance(0.3) ? this.wayMs(false) : 0);
    }
  }

  private wayMs(slow: boolean): number {
    const { random } = this.world;
    if (slow) return random.int(0, SLOW_MS);
    return random.chance(0.06) ? random.int(0, 100) : random.int(0, 3);
  }

  private note(what: string, fault: string | undefined, answer?: Answer<unknown>): void {
    const { trace } = this.world;
    if (trace === undefined) return;
    const told =
      answer === undefined
        ? ''
        : 'value' in answer
          ? ` = ${shortly(answer.value)}`
          : ` threw ${String(answer.error)}`;
    trace.add(this.process.name, `${fault === undefined ? '' : `[${fault}] `}${this.server}.${what}${told}`);
  }
}
