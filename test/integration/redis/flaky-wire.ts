import { type Socket, connect, createServer } from 'node:net';

/** A wire to a server of this machine which can be cut at the worst moment. */
export interface FlakyWire {
  url: string;
  /** What is sent from now on reaches the server, but the first reply to it never comes back: the wire breaks instead. */
  loseNextReply(): void;
  /** The connections that are open now stay so, and nothing comes through any more; later ones work. */
  goSilent(): void;
  /** how often a reply was lost so far */
  readonly lost: number;
  close(): Promise<void>;
}

export const flakyWire = (port: number): Promise<FlakyWire> => {
  const open = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let losing = false;
  let lost = 0;
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port });
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        open.delete(socket);
        cut();
      });
    }
    client.on('data', (chunk) => {
      if (!silent.has(client)) upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      if (silent.has(upstream)) return;
      if (!losing) {
        client.write(chunk);
        return;
      }
      losing = false;
      lost++;
      cut();
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const at = typeof address === 'object' && address !== null ? address.port : 0;
      resolve({
        url: `redis://127.0.0.1:${at}`,
        loseNextReply: () => {
          losing = true;
        },
        goSilent: () => {
          for (const socket of open) silent.add(socket);
        },
        get lost() {
          return lost;
        },
        close: () =>
          new Promise((closed) => {
            for (const socket of open) socket.destroy();
            server.close(() => closed());
          }),
      });
    });
  });
};
