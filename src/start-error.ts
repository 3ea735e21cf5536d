import { DormouseError } from '#contracts';

const LISTEN_ADVICE: Record<string, string> = {
  EADDRINUSE: 'another process listens there. Stop it, or set PORT to a free port (0: any).',
  EACCES: 'this user may not listen there. Set PORT to 1024 or above.',
  EADDRNOTAVAIL:
    'this machine has no such address. Set HOST to one of its own, or leave it unset for 127.0.0.1.',
  ENOTFOUND:
    'this name leads nowhere. Set HOST to an address of this machine, or leave it unset for 127.0.0.1.',
};

/** The name is given in the place of an address when it stands for none. */
interface ListenError extends NodeJS.ErrnoException {
  address?: string;
  hostname?: string;
  port?: number;
}

/** What a person reads when the process can't start: what is wrong and what to do; a stack only for what nobody foresaw. */
export const tellStartError = (error: unknown): string => {
  const head = 'Dormouse did not start:';
  if (DormouseError.is(error)) return `${head} ${error.message}`;
  if (!(error instanceof Error)) return `${head} ${String(error)}`;
  const { code, address, hostname, port } = error as ListenError;
  const advice = code === undefined ? undefined : LISTEN_ADVICE[code];
  if (advice !== undefined)
    return `${head} expected to listen on ${[address ?? hostname, port].filter((part) => part !== undefined).join(':')}; ${advice}`;
  return `${head} ${error.stack ?? error.message}`;
};
