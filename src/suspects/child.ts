import { Executor } from '#dispatcher';
import { readSettings } from '../config/index.js';
import { startHandlers } from '../handlers.js';
import { OneRecordTransport, RemoteCalls, remoteStorage } from './remote-ports.js';
import type { FromChild, ToChild } from './wire.js';

/*
 * The entry of a child process in which suspects are tried: the handlers of one role, and nothing else to do. What it
 * dies of is its parent's to see.
 */

const send = (message: FromChild): void => void process.send?.(message);
const calls = new RemoteCalls(send);
let transport: OneRecordTransport | undefined;
/** runs under way, those that go on under their claim included */
let running = (): number => 0;
let end = (): Promise<void> => Promise.resolve();

const LOOK_MS = 100;
const idle = async (): Promise<void> => {
  while (running() > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
};

const begin = async ({ role, capabilities }: Extract<ToChild, { kind: 'begin' }>): Promise<void> => {
  const settings = readSettings(process.env);
  const log = new OneRecordTransport(calls, capabilities.transport, (offset) =>
    send({ kind: 'finished', offset, carriesOn: running() > 0 }),
  );
  const storage = remoteStorage(calls, capabilities, log);
  const app = await startHandlers({ ...settings, process: { ...settings.process, roles: [role] } }, storage);
  transport = log;
  if (role === 'dispatcher') {
    const executor = app.get(Executor, { strict: false });
    running = () => executor.inFlight;
  }
  end = () => app.close();
  send({ kind: 'ready' });
};

const obey = async (message: ToChild): Promise<void> => {
  switch (message.kind) {
    case 'begin':
      await begin(message);
      return;
    case 'record':
      transport?.give(message.record);
      return;
    case 'answer':
      calls.answered(message);
      return;
    case 'end':
      if (message.when === 'idle') await idle();
      await end();
      process.exit(0);
  }
};

// a terminal's Ctrl-C reaches the whole group: the parent says when to end
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
// without a parent there is nobody to work for
process.on('disconnect', () => process.exit(0));
process.on('message', (message) => {
  obey(message as ToChild).catch((error: unknown) => {
    process.stderr.write(`a child for suspects could not do its work: ${String(error)}\n`);
    process.exit(1);
  });
});
