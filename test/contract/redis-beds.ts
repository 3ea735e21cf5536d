import { type TestBed, freshName } from '#testing';
import { realTime } from './real-time.js';

interface Closable {
  close(): Promise<void>;
}

/**
 * A key prefix that no other test has, on a Redis that they share. A crash cuts all connections at once, as the end of
 * their process would: what was under way reaches the server or not.
 */
export const redisBed =
  <Port extends Closable>(
    url: () => Promise<string>,
    open: (url: string, keyPrefix: string) => Promise<Port>,
  ) =>
  async (): Promise<TestBed<Port>> => {
    const keyPrefix = `${freshName('bed')}:`;
    let opened: Port[] = [];
    const closeAll = async (): Promise<void> => {
      const all = opened;
      opened = [];
      await Promise.all(all.map((port) => port.close()));
    };
    return {
      open: async () => {
        const port = await open(await url(), keyPrefix);
        opened.push(port);
        return port;
      },
      crash: closeAll,
      advance: realTime,
      dispose: closeAll,
    };
  };
