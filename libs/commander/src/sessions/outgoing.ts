import type { Sent } from '#contracts';

/** What is to be sent to a session. */
export interface Outgoing {
  sent: Omit<Sent, 'at' | 'version'>;
  /** where the history keeps that it was applied; undefined: nobody can have sent it before */
  historyKey?: string;
  /** Raises what speaks against it in the session as it is; asked when nobody has sent it yet. */
  refuse: () => void;
  /** Raises when what was sent under its id is something else. @param earlier its data, or its history entry */
  refuseAnother: (earlier: Readonly<Record<string, unknown>>) => void;
}
