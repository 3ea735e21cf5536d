import type { Sent } from '#contracts';

/** What is to be sent to a session. */
export interface Outgoing {
  sent: Omit<Sent, 'at' | 'version'>;
  /** where the history keeps that it was applied */
  historyKey: string;
  /** Raises what speaks against it in the session as it is; asked when nobody has sent it yet. */
  refuse: () => void;
}
