import type { Outcome } from '#contracts';
import type { ClaimReply, RecordReply, SealReply } from '../../port.js';

/** What a script answered: a word, and what belongs to it. */
type Answer = readonly (string | number)[];

const outcomeIn = (text: string | number | undefined): Outcome => JSON.parse(String(text)) as Outcome;

const unexpected = (answer: Answer): Error =>
  new Error(`expected an answer of a script of ours, got ${JSON.stringify(answer)}`);

export const claimReply = (answer: Answer): ClaimReply => {
  const [kind, first, attempts, notBefore, cancelRequested, deaths] = answer;
  switch (kind) {
    case 'claimed':
      return { kind };
    case 'taken_over':
      return {
        kind,
        started: first === 1,
        attempts: Number(attempts),
        notBefore: Number(notBefore),
        cancelRequested: cancelRequested === 1,
        // absent in what an earlier release has granted
        ...(Number(deaths ?? 0) > 0 ? { deaths: Number(deaths) } : {}),
      };
    case 'held':
      return { kind, leaseUntil: Number(first) };
    case 'recorded':
      return { kind, outcome: outcomeIn(first) };
    case 'conflict':
      return { kind, digest: String(first) };
    default:
      throw unexpected(answer);
  }
};

export const recordReply = (answer: Answer): RecordReply => {
  const [kind, outcome] = answer;
  switch (kind) {
    case 'recorded':
    case 'lost':
    case 'none':
      return { kind };
    case 'superseded':
      return { kind, outcome: outcomeIn(outcome) };
    default:
      throw unexpected(answer);
  }
};

export const sealReply = (answer: Answer): SealReply => {
  const [kind, first] = answer;
  switch (kind) {
    case 'sealed':
      return { kind };
    case 'started':
      return { kind, leaseUntil: Number(first) };
    case 'recorded':
      return { kind, outcome: outcomeIn(first) };
    default:
      throw unexpected(answer);
  }
};
