import { randomBytes } from 'node:crypto';

const RUN = randomBytes(4).toString('hex');
let counter = 0;

/** A name that no other test has, in this run or another: tests don't flush what they share. */
export const freshName = (prefix = 'test'): string => `${prefix}-${RUN}-${String(++counter)}`;
