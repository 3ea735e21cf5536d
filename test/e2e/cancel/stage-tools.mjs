// Tools that do what their parameters say, and write down each begin, abort and end with a plain write: in this process, or in
// those of others, whose writes outlive them. A tool that holds goes on when a file of its session and name is there.
import { appendFileSync, existsSync } from 'node:fs';

const folder = process.env.STAGE_FOLDER;
const anything = { type: 'object', additionalProperties: true };
/** What the errors of the package are recognised by. */
const toolError = (kind, message, more = {}) =>
  Object.assign(new Error(message), {
    [Symbol.for('dormouse.error')]: true,
    kind,
    code: kind === 'unknown_outcome' ? 'outcome_unknown' : 'tool_failed',
    retryable: kind === 'retryable',
    ...more,
  });

const hold = ({ sessionId, signal }, name, onAbort, tell) =>
  new Promise((resolve, reject) => {
    const look = setInterval(() => {
      if (existsSync(`${folder}/${sessionId}.${name}`)) end(resolve);
    }, 20);
    const end = (how, value) => {
      clearInterval(look);
      how(value);
    };
    signal.addEventListener('abort', () => {
      tell('aborted');
      if (onAbort === 'finishes') end(resolve);
      else if (onAbort === 'did_nothing')
        end(reject, toolError('retryable', 'stopped before it did anything'));
      else if (onAbort === 'is_cut') end(reject, signal.reason);
    });
  });

const run = async (given, context) => {
  const undoing = context.compensates !== undefined;
  // a declared compensation is given what it undoes was given, and what that answered
  const parameters = undoing ? given.parameters : given;
  const name = undoing ? `undo ${parameters.name}` : parameters.name;
  const tell = (at) =>
    appendFileSync(
      `${folder}/journal`,
      `${JSON.stringify({ session: context.sessionId, name, at, pid: process.pid })}\n`,
    );
  tell('begin');
  switch (undoing ? parameters.undo : parameters.does) {
    case 'hold':
      await hold(context, name, parameters.on_abort, tell);
      break;
    case 'back_off':
      throw toolError('retryable', 'not now', { afterMs: parameters.ms });
    case 'lose_track':
      throw toolError('unknown_outcome', 'the line went dead');
    case 'fail':
      throw toolError('non_retryable', 'no');
  }
  tell('end');
  return { name };
};

const tool = (name, effect, more = {}) => ({
  name,
  description: `${effect}: does what its parameters say`,
  parameters: anything,
  effect,
  timeoutMs: 60_000,
  run,
  ...more,
});

export const tools = [
  tool('do_pure', 'pure'),
  tool('do_idempotent', 'idempotent'),
  tool('do_compensatable', 'compensatable', { compensation: 'undo' }),
  tool('do_irreversible', 'irreversible'),
  tool('do_approved', 'irreversible', { approval: ({ name }) => name === 'held' }),
  tool('do_narrow', 'compensatable', { compensation: 'undo', concurrency: 1 }),
  tool('undo', 'idempotent'),
];
