// What the command line of the bench asks for.
import { ENGINES } from './engines.mjs';
import { MEASURES } from './measures/measures.mjs';

const EFFECTS = ['pure', 'idempotent', 'compensatable', 'irreversible'];

const USAGE = `usage: npm run bench -- ${Object.keys(ENGINES).join('|')} [${Object.keys(MEASURES).join('|')} …] [--sessions N] [--effect ${EFFECTS.join('|')}] [--split]`;

/** Ends the bench; the message is for the person who ran it. */
export class UsageError extends Error {
  constructor(problem) {
    super(`${problem}\n${USAGE}`);
  }
}

/**
 * @param {readonly string[]} words
 * @returns {{ engine: string, measures: string[], split: boolean, options: { sessions?: number, effect?: string } }}
 * @throws {UsageError}
 */
export const readArguments = ([engine, ...words]) => {
  if (!Object.hasOwn(ENGINES, engine ?? ''))
    throw new UsageError(`expected an engine, got ${engine ?? 'nothing'}`);
  const options = {};
  const measures = [];
  let split = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === '--sessions') {
      options.sessions = Number(words[++i]);
      if (!Number.isInteger(options.sessions) || options.sessions < 1)
        throw new UsageError(`--sessions takes a number from 1, got ${words[i]}`);
    } else if (word === '--effect') {
      options.effect = words[++i];
      if (!EFFECTS.includes(options.effect))
        throw new UsageError(`--effect takes an effect class, got ${words[i]}`);
    } else if (word === '--split') {
      if (engine === 'embedded') throw new UsageError('--split: the embedded engine has one process');
      split = true;
    } else if (Object.hasOwn(MEASURES, word)) measures.push(word);
    else throw new UsageError(`expected a measure, got ${word}`);
  }
  return { engine, measures: measures.length > 0 ? measures : Object.keys(MEASURES), split, options };
};
