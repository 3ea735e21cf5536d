import { Socket, connect, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_MS = 60_000;

/**
 * The sockets of one kafkajs client.
 *
 * kafkajs has no way to end a call that is under way: it reconnects and goes on, also after `disconnect`. A client that
 * we have given up would write late, or stay in its group as a member that nobody reads. So its sockets are ours to cut.
 */
export class Connections {
  private readonly open = new Set<Socket>();
  private isCut = false;

  readonly factory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    if (this.isCut) return refused();
    // kafkajs gives null for "no TLS", whatever its types say
    const tls = ssl as typeof ssl | null;
    const socket =
      tls === null
        ? connect({ host, port }, onConnect)
        : connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    // a request is written whole: waiting for more to send only delays it
    socket.setNoDelay(true);
    this.open.add(socket);
    socket.once('close', () => this.open.delete(socket));
    // kafkajs stops listening when it is done with a socket; an error after that is nobody's
    socket.on('error', () => undefined);
    return socket;
  };

  /** Ends all connections at once, as the death of the process would, and allows no more. */
  cut(): void {
    this.isCut = true;
    // without an error kafkajs would wait on for its answers: it doesn't listen to `close`
    for (const socket of this.open) socket.destroy(new Error('this client was closed'));
  }
}

const refused = (): Socket => {
  const socket = new Socket();
  setImmediate(() => socket.destroy(new Error('this client was closed')));
  return socket;
};
