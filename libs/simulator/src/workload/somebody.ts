import type { DeadLetters, Inbox, Sessions } from '#commander';
import { DormouseError } from '#contracts';
import type { Agenda } from '../world/agenda.js';
import type { Ledger } from '../world/ledger.js';
import type { Randomness } from '../world/randomness.js';
import type { Trace } from '../world/trace.js';

/** What the API of one process can be asked for. */
export interface Api {
  sessions: Sessions;
  inbox: Inbox;
  deadLetters: DeadLetters;
}

/** What people and programs outside need of the world. */
export interface Outside {
  readonly agenda: Agenda;
  readonly random: Randomness;
  readonly trace: Trace | undefined;
  readonly ledger: Ledger;
  /** of a process that runs now, if there is one */
  api(): Api | undefined;
  /** what somebody wants is nothing that can be asked for */
  refused(error: Error): void;
}

const WRONG: ReadonlySet<string> = new Set(['invalid_request', 'invalid_plan', 'no_brain']);
const PATIENCE_MS = 8_000;
const TRIES = 40;
/** What a session waits for as long as it takes is insisted on while no process is there, however long that is. */
export const UNTIL_IT_IS_THERE = 10_000;
/** whose sessions all of a schedule are */
export const TENANT = 'default';

/** Somebody outside who calls the API, and insists. */
export abstract class Somebody {
  /** calls that aren't over, and what is going to be done */
  private underWay = 0;

  constructor(protected readonly world: Outside) {}

  get done(): boolean {
    return this.underWay === 0;
  }

  protected later(ms: number, run: () => void): void {
    this.underWay++;
    this.world.agenda.after(ms, () => {
      this.underWay--;
      run();
    });
  }

  /** @param name of the message; also its content, and what makes a repeat the same */
  protected write(sessionId: string, name: string, tries = TRIES): void {
    const message = async ({ inbox }: Api): Promise<void> => {
      await inbox.message(sessionId, { content: name }, { tenant: TENANT, idempotencyKey: name });
      this.world.ledger.messages.push({ sessionId, content: name });
      this.world.trace?.add('client', `the message ${name} to ${sessionId} is accepted`);
    };
    this.insist(`write ${name}`, message, tries);
  }

  /** Calls, and calls again, elsewhere perhaps, while it isn't known what became of it. */
  protected insist(what: string, call: (api: Api) => Promise<void>, tries = TRIES): void {
    const { agenda, random } = this.world;
    const api = this.world.api();
    const state = { over: false };
    this.underWay++;
    const end = (again: boolean) => {
      if (state.over) return;
      state.over = true;
      this.underWay--;
      if (again && tries > 1)
        this.later(random.int(100, 3_000), () => {
          this.insist(what, call, tries - 1);
        });
    };
    agenda.after(PATIENCE_MS, () => {
      end(true);
    });
    if (api === undefined) {
      end(true);
      return;
    }
    call(api).then(
      () => {
        end(false);
      },
      (error: unknown) => {
        this.world.trace?.add('client', `${what}: ${String(error)}`);
        if (DormouseError.is(error) && WRONG.has(error.code)) this.world.refused(error);
        end(DormouseError.is(error) ? error.retryable : true);
      },
    );
  }
}
