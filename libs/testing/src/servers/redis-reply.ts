import { connect } from 'node:net';

const TIMEOUT_MS = 1_000;

/**
 * Sends one inline command to a Redis and returns the first line of its reply, or with `whole` all of a bulk reply;
 * null when nobody answers. Enough to see that a server is up, without a client.
 */
export const redisReply = (
  port: number,
  command: string,
  { whole = false }: { whole?: boolean } = {},
): Promise<string | null> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const done = (reply: string | null): void => {
      socket.destroy();
      resolve(reply);
    };
    let text = '';
    socket.setTimeout(TIMEOUT_MS, () => done(null));
    socket.once('error', () => done(null));
    socket.once('close', () => done(null));
    socket.once('connect', () => socket.write(`${command}\r\n`));
    socket.on('data', (chunk) => {
      text += chunk.toString();
      // a reply of many lines is a bulk string: its length, its text, an end
      const size = /^\$(\d+)\r\n/.exec(text);
      if (!whole && text.includes('\r\n')) done(text.slice(0, text.indexOf('\r\n')));
      else if (whole && size !== null && text.length >= size[0].length + Number(size[1])) done(text);
    });
  });
