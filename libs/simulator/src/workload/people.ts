import type { DeadLetter, Snapshot } from '#contracts';
import type { Ledger } from '../world/ledger.js';
import { Approver } from './approver.js';
import { Client } from './client.js';
import { Person } from './person.js';
import type { Scenario } from './scenario.js';
import type { Outside } from './somebody.js';

interface About {
  ledger: Ledger;
  serverNow: () => number;
  /** whether what was accepted is looked after: a store may forget it */
  looksAgain: boolean;
}

/** All who call the API in a schedule: who submits, who looks after parked sessions, who is asked about calls. */
export class People {
  readonly clients: readonly Client[];
  readonly approver: Approver;
  private readonly person: Person;

  constructor(world: Outside, { wishes, habits }: Scenario, { ledger, serverNow, looksAgain }: About) {
    this.clients = wishes.map((wish) => new Client(world, wish));
    this.approver = new Approver(world, looksAgain);
    this.person = new Person(world, ledger, habits, serverNow);
  }

  /** Nobody waits for an answer, or is going to do something. */
  get done(): boolean {
    return this.approver.done && this.person.done && this.clients.every(({ done }) => done);
  }

  begin(): void {
    for (const client of this.clients) client.begin();
  }

  /** A session was written. */
  see(snapshot: Snapshot): void {
    this.approver.sees(snapshot);
    this.person.sees(snapshot);
  }

  /** A dead letter was put there. */
  find(letter: DeadLetter): void {
    this.person.finds(letter);
  }
}
