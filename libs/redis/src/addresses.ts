import { DormouseError } from '#contracts';

/** One address of REDIS_URL, taken apart. */
export interface RedisAddress {
  host: string;
  port: number;
  username?: string;
  password?: string;
  db: number;
  tls: boolean;
}

const DEFAULT_PORT = 6379;

/** @throws DormouseError `invalid_settings` which names the address, without its password */
const parse = (text: string): RedisAddress => {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // may hold a password: not repeated
    throw new DormouseError(
      'invalid_settings',
      'REDIS_URL: expected redis://host:port or rediss://host:port, comma separated for a cluster, got something else',
    );
  }
  const place = `${url.protocol}//${url.host}`;
  const tls = url.protocol === 'rediss:';
  if (!tls && url.protocol !== 'redis:')
    throw new DormouseError('invalid_settings', `REDIS_URL: expected redis:// or rediss://, got ${place}`);
  const path = url.pathname.replace(/^\//, '');
  const db = path === '' ? 0 : Number(path);
  if (!Number.isInteger(db) || db < 0)
    throw new DormouseError(
      'invalid_settings',
      `REDIS_URL: expected a number of a database after ${place}/, got ${path}`,
    );
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost',
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    db,
    tls,
  };
};

/** The addresses in `url`, at least one. @throws DormouseError `invalid_settings` */
export const parseAddresses = (url: string): [RedisAddress, ...RedisAddress[]] => {
  const [first, ...others] = url
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parse);
  if (first === undefined)
    throw new DormouseError('invalid_settings', 'REDIS_URL: expected at least one address, got none');
  if (others.length > 0 && [first, ...others].some(({ db }) => db !== 0))
    throw new DormouseError('invalid_settings', 'REDIS_URL: a Redis Cluster has the database 0 only');
  return [first, ...others];
};
