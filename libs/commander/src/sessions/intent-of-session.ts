import { DormouseError, type Snapshot } from '#contracts';

/** Errors: `not_found` for an id that no intent of this session can have had */
export const refuseForeignIntent = ({ session_id, step }: Snapshot, intentId: string): void => {
  const own = intentId.startsWith(`${session_id}.`)
    ? /^([1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/.exec(intentId.slice(session_id.length + 1))
    : null;
  if (own === null || Number(own[1]) > step)
    throw new DormouseError(
      'not_found',
      `The session has no intent ${JSON.stringify(intentId.slice(0, 120))}; its timeline names those that it has.`,
    );
};
