import { randomUUID } from 'node:crypto';

/** Made once per process: tells its life apart from every other, also in containers where the process id is always 1. */
export const bootId = randomUUID();

let counter = 0;

/** A token for one atomic move: `<boot id>:<counter>`, never the same twice. */
export const nextToken = (): string => `${bootId}:${String(++counter)}`;
