import { availableParallelism } from 'node:os';

/**
 * How the runtime is started. Sessions make many objects that live for a few milliseconds: with a young generation this
 * large they die in it, instead of being copied out of it.
 */
export const NODE_FLAGS = ['--max-semi-space-size=64', '--min-semi-space-size=16'];

/**
 * The same for a process that has some of the roles and no timers to see to, of which a machine has several: half the
 * young generation, and the old one is collected when it has doubled, not when it has quadrupled. Under a backlog such a
 * process grows by some 100 MB instead of 250, for a twentieth more of CPU in commanders, and none in the others.
 */
export const NODE_FLAGS_OF_ROLES = [
  '--max-semi-space-size=32',
  '--min-semi-space-size=16',
  '--heap-growing-percent=100',
];

/** Node's own choice, on whatever machine. */
const MOST_HELPERS = 4;

/**
 * Threads that collect garbage and compile beside the main one: as many as there are other cores. More of them only take
 * turns with it. Of this machine, so no image has them.
 */
export const helperFlags = () => [
  `--v8-pool-size=${Math.min(MOST_HELPERS, Math.max(1, availableParallelism() - 1))}`,
];

/** @param {string | undefined} roles `DORMOUSE_ROLES` */
export const nodeFlags = (roles) => {
  const named = (roles ?? '').split(',').map((role) => role.trim());
  return named.every((role) => role === '') || named.includes('scheduler') ? NODE_FLAGS : NODE_FLAGS_OF_ROLES;
};
