import { isIP } from 'node:net';
import { isPrivateAddress } from './address.rules.js';

interface Entry {
  /** lower case, without brackets */
  host: string;
  /** `*.example.com`: every name below it, not itself */
  below: boolean;
  port: number | undefined;
}

const bare = (host: string): string =>
  host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();

const entryOf = (text: string): Entry => {
  const port = /:(\d+)$/.exec(text);
  const hasPort = port !== null && (text.startsWith('[') || text.indexOf(':') === text.lastIndexOf(':'));
  const host = hasPort ? text.slice(0, -port[0].length) : text;
  const below = host.startsWith('*.');
  return { host: bare(below ? host.slice(2) : host), below, port: hasPort ? Number(port[1]) : undefined };
};

const LOOPBACK = new Set(['127.0.0.1', '::1']);
const portOf = (url: URL): number =>
  url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);

/**
 * What `http_request` may reach: `api.example.com`, `127.0.0.1:8080`, `*.example.com`. An entry without a port allows
 * them all. A name never leads to a private address, unless that address is an entry of its own (`localhost` names the
 * loopback addresses).
 */
export class AllowList {
  private readonly entries: readonly Entry[];

  constructor(texts: readonly string[]) {
    this.entries = texts.map(entryOf);
  }

  /** Undefined: it may be called; else why not, and what to do. */
  refuses(url: URL): string | undefined {
    const host = bare(url.hostname);
    const port = portOf(url);
    const found = this.entries.some(
      (entry) =>
        (entry.port === undefined || entry.port === port) &&
        (entry.below ? host.endsWith(`.${entry.host}`) : host === entry.host),
    );
    if (found) return undefined;
    return `${host}:${port} is not among the hosts that http_request may call; add ${host} or ${host}:${port} to DORMOUSE_HTTP_ALLOW`;
  }

  /** Undefined: an address that `url`'s host stands for may be connected to. */
  refusesAddress(url: URL, address: string): string | undefined {
    if (!isPrivateAddress(address)) return undefined;
    const port = portOf(url);
    const host = bare(url.hostname);
    const named = this.entries.some(
      (entry) =>
        !entry.below &&
        (entry.port === undefined || entry.port === port) &&
        (entry.host === address ||
          (entry.host === 'localhost' && host === 'localhost' && LOOPBACK.has(address))),
    );
    if (named) return undefined;
    const what = isIP(host) === 0 ? `${host} leads to ${address}, which` : address;
    return `${what} is a private address; if it is meant, add ${address}:${port} to DORMOUSE_HTTP_ALLOW`;
  }
}
