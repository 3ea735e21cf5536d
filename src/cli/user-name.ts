import { userInfo } from 'node:os';

/** Who sits at this machine; undefined: a container may have no name for its user. */
export const userName = (): string | undefined => {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
};
