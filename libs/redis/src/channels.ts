import { type Client, isCluster } from './client.js';

/**
 * Wake-up calls by Redis' channels. Nobody keeps them: what is published while a connection is down is lost. So a
 * listener is called once whenever its channel begins to be heard, and looks for itself.
 */
export class Channels {
  private readonly client: Client;
  private readonly listeners = new Map<string, Set<() => void>>();

  /** A cluster's client has a connection for channels beside the others; a single one gets a second client. */
  constructor(private readonly main: Client) {
    this.client = isCluster(main)
      ? main
      : main.duplicate({ lazyConnect: false, enableOfflineQueue: true, autoResubscribe: false });
    if (this.client !== main) {
      // the main connection's errors tell the same
      this.client.on('error', () => undefined);
      this.client.on('ready', () => this.hear([...this.listeners.keys()]));
    }
    this.client.on('message', (channel: string) => this.tell(channel));
  }

  /** Returns the end of the listening. */
  listen(channel: string, heard: () => void): () => void {
    let calls = this.listeners.get(channel);
    const isFirst = calls === undefined;
    if (calls === undefined) this.listeners.set(channel, (calls = new Set()));
    // its own function each time: the same one may listen twice
    const call = (): void => heard();
    calls.add(call);
    if (isFirst) this.hear([channel]);
    // the channel is heard already, or will be told when it is
    else setImmediate(() => calls.has(call) && call());
    return () => {
      calls.delete(call);
      if (calls.size > 0 || this.listeners.get(channel) !== calls) return;
      this.listeners.delete(channel);
      this.client.unsubscribe(channel).catch(() => undefined);
    };
  }

  close(): void {
    this.listeners.clear();
    if (this.client !== this.main) this.client.disconnect();
  }

  private hear(channels: readonly string[]): void {
    if (channels.length === 0) return;
    this.client.subscribe(...channels).then(
      () => {
        for (const channel of channels) this.tell(channel);
      },
      // no connection: it begins when there is one again
      () => undefined,
    );
  }

  private tell(channel: string): void {
    for (const call of [...(this.listeners.get(channel) ?? [])]) call();
  }
}
