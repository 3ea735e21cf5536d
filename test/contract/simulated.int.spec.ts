import { DormouseError } from '#contracts';
import {
  ClaimRows,
  DeadLetterRows,
  type Line,
  LogRows,
  SessionRows,
  SimulatedClaimStore,
  SimulatedDeadLetterStore,
  SimulatedSessionStore,
  SimulatedTransport,
} from '#simulator';
import {
  claimStoreContract,
  deadLetterStoreContract,
  fakeClock,
  sessionStoreContract,
  SUITE_DEAD_LETTER_RETENTION_MS,
  type TestBed,
  transportContract,
  type WakeDamage,
} from '#testing';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const lost = (): DormouseError => new DormouseError('unavailable', 'the reply was lost', { retryable: true });

interface Life {
  over: boolean;
}
const isOver = ({ over }: Life): boolean => over;

/** A line to a server that a process holds until it dies; a test may lose a reply on it. */
const lineTo = (now: () => number, losesReply: () => boolean) => {
  const life: Life = { over: false };
  const call = async <T>(_what: string, effect: () => T): Promise<T> => {
    await turn();
    if (isOver(life)) throw lost();
    const lose = losesReply();
    const answer = effect();
    await turn();
    if (lose || isOver(life)) throw lost();
    return answer;
  };
  const line: Line = {
    now,
    call,
    tell: (run) => {
      setImmediate(() => {
        if (!life.over) run();
      });
    },
  };
  return { line, life };
};

/** Servers outlive every process: what a crash takes is the lines. */
const bed =
  <Server, Port extends { close(): Promise<void> }, More extends object = object>(
    make: (now: () => number) => Server,
    open: (server: Server, line: Line) => Port,
    died: (port: Port) => void = () => undefined,
    more: (server: Server) => More = () => ({}) as More,
  ) =>
  (): Promise<TestBed<Port> & More> => {
    const clock = fakeClock();
    const server = make(clock.now);
    let open_: { port: Port; life: Life }[] = [];
    let losing = false;
    const losesReply = (): boolean => {
      const lose = losing;
      losing = false;
      return lose;
    };
    return Promise.resolve({
      ...more(server),
      open: () => {
        const { line, life } = lineTo(clock.now, losesReply);
        const port = open(server, line);
        open_.push({ port, life });
        return Promise.resolve(port);
      },
      crash: () => {
        for (const { port, life } of open_) {
          life.over = true;
          died(port);
        }
        open_ = [];
        return Promise.resolve();
      },
      advance: (ms) => clock.advance(ms),
      loseNextReply: () => (losing = true),
      dispose: async () => {
        for (const { port } of open_) await port.close();
      },
    });
  };

/** A wake-up lies with its session: there is none without it, and no second one. */
const damageOf = (server: SessionRows): WakeDamage => ({
  remove: async (sessionId) => {
    server.setWake(sessionId, null);
  },
  set: async (sessionId, at) => {
    server.setWake(sessionId, at);
  },
  strays: false,
});

const capabilities = { shared: true, durability: 'power', losesReplies: true } as const;

claimStoreContract(
  'simulated',
  bed(
    (now) => new ClaimRows(now),
    (server, line) => new SimulatedClaimStore(server, line),
  ),
  capabilities,
);
sessionStoreContract(
  'simulated',
  bed(
    (now) => new SessionRows(now),
    (server, line) => new SimulatedSessionStore(server, line),
    () => undefined,
    (server) => ({ wakes: damageOf(server) }),
  ),
  capabilities,
);
deadLetterStoreContract(
  'simulated',
  bed(
    (now) => new DeadLetterRows(now, SUITE_DEAD_LETTER_RETENTION_MS),
    (server, line) => new SimulatedDeadLetterStore(server, line),
  ),
  { shared: true, clock: 'moved' },
);
transportContract(
  'simulated',
  bed(
    (now) => new LogRows(now),
    (server, line) => new SimulatedTransport(server, line),
    // the coordinator notices at once
    (transport) => {
      for (const subscription of transport.subscriptions) subscription.evict();
    },
  ),
  capabilities,
);
