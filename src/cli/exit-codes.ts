import type { SessionStatus } from '#contracts';

/** What the command line's exit codes mean. `--help` prints them. */
export const EXIT = {
  ok: 0,
  error: 1,
  failed: 2,
  parked: 3,
  cancelled: 4,
  unreachable: 5,
  broken: 6,
  ill: 7,
  atRisk: 8,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP = `
Exit codes:
  0    done; a session that was followed is completed
  1    wrong usage, or the server refused (its problem is printed, with --json the whole)
  2    the session that was followed has failed
  3    it is parked, or asks a question: a person has to decide
  4    it was cancelled or compensated
  5    the server can't be reached
  6    verify found a broken promise
  7    doctor found something wrong
  8    doctor found nothing wrong, but something at risk
  130  interrupted; the session goes on without us`;

/** How a followed session ended, as an exit code. */
export const exitCodeOf = (status: SessionStatus): ExitCode => {
  switch (status) {
    case 'failed':
      return EXIT.failed;
    case 'parked':
    case 'waiting_input':
      return EXIT.parked;
    case 'cancelled':
    case 'compensated':
      return EXIT.cancelled;
    default:
      return EXIT.ok;
  }
};
