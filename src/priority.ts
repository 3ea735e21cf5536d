import { constants, getPriority, setPriority } from 'node:os';
import type { Role } from './config/index.js';

const { PRIORITY_NORMAL, PRIORITY_BELOW_NORMAL } = constants.priority;

/** The operating system's side of it. */
export interface Priorities {
  get(): number;
  set(priority: number): void;
}

const ownPriority: Priorities = {
  get: () => getPriority(),
  set: (priority) => {
    setPriority(priority);
  },
};

/** Somebody waits for the answers of an API, and timers are due at their time. */
const IN_TIME: readonly Role[] = ['api', 'scheduler'];

/**
 * A process of commanders and dispatchers alone lets the others go first, and the servers that all of them need: what has
 * been accepted can wait in the log. Without it, on one machine, a burst is accepted no faster than a fair share of the CPU
 * allows, which is the less the more workers there are. What is left of the CPU is theirs all the same. A priority that was
 * given from outside stays.
 */
export const letOthersGoFirst = (roles: readonly Role[], priorities = ownPriority): void => {
  if (roles.some((role) => IN_TIME.includes(role))) return;
  try {
    if (priorities.get() === PRIORITY_NORMAL) priorities.set(PRIORITY_BELOW_NORMAL);
  } catch {
    // the system doesn't allow it: it is a courtesy
  }
};
