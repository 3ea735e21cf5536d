import { MAX_CALL_ID_LENGTH } from './chat.js';

/**
 * Ids under which a turn's tool calls are known: the server's own, unless it can't serve.
 *
 * An id ties a result to its call, and it is the call's name in the session, so it must be unique there. Servers exist
 * that leave it out, that count `call_0, call_1` anew in every turn, or that make it longer than others take back; and
 * `step:` and `undo:` mean something to the session. Such a one is replaced by nine letters and digits, which the
 * strictest of servers accepts.
 */
export const uniqueCallId = (proposed: unknown, step: number, index: number, used: Set<string>): string => {
  const fits =
    typeof proposed === 'string' &&
    proposed !== '' &&
    proposed.length <= MAX_CALL_ID_LENGTH &&
    !/^(step|undo):/.test(proposed) &&
    !used.has(proposed);
  if (fits) {
    used.add(proposed);
    return proposed;
  }
  for (let n = index; ; n++) {
    const id = `c${code(step, 4)}${code(n, 4)}`;
    if (used.has(id)) continue;
    used.add(id);
    return id;
  }
};

const code = (value: number, width: number): string => value.toString(36).padStart(width, '0').slice(-width);
