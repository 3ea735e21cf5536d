// What the command line of the bench asks for.
import { ENGINES } from './engines.mjs';
import { MEASURES, measuresOf } from './measures/measures.mjs';

const EFFECTS = ['pure', 'idempotent', 'compensatable', 'irreversible'];

const USAGE = `usage: npm run bench -- ${Object.keys(ENGINES).join('|')} [${Object.keys(MEASURES).join('|')} …] [--sessions N] [--effect ${EFFECTS.join('|')}] [--split]
       npm run bench -- compare [--sessions N] [--rounds N] [--others FOLDER]`;

/** Ends the bench; the message is for the person who ran it. */
export class UsageError extends Error {
  constructor(problem) {
    super(`${problem}\n${USAGE}`);
  }
}

const numberAfter = (name, word) => {
  const number = Number(word);
  if (!Number.isInteger(number) || number < 1)
    throw new UsageError(`${name} takes a number from 1, got ${word ?? 'nothing'}`);
  return number;
};

/**
 * What `compare` is asked for.
 *
 * @param {readonly string[]} words
 * @returns {{ sessions?: number, rounds?: number, others?: string }}
 * @throws {UsageError}
 */
export const readCompareArguments = (words) => {
  const options = {};
  for (let i = 0; i < words.length; i++) {
    const name = words[i];
    if (name === '--sessions') options.sessions = numberAfter(name, words[++i]);
    else if (name === '--rounds') options.rounds = numberAfter(name, words[++i]);
    else if (name === '--others' && words[i + 1] !== undefined) options.others = words[++i];
    else throw new UsageError(`expected an option of compare, got ${name}`);
  }
  return options;
};

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
      options.sessions = numberAfter(word, words[++i]);
    } else if (word === '--effect') {
      options.effect = words[++i];
      if (!EFFECTS.includes(options.effect))
        throw new UsageError(`--effect takes an effect class, got ${words[i]}`);
    } else if (word === '--split') {
      if (engine === 'embedded') throw new UsageError('--split: the embedded engine has one process');
      split = true;
    } else if (measuresOf(engine).includes(word)) measures.push(word);
    else if (Object.hasOwn(MEASURES, word))
      throw new UsageError(`${word} needs several processes, which the engine ${engine} does not have`);
    else throw new UsageError(`expected a measure, got ${word}`);
  }
  return { engine, measures: measures.length > 0 ? measures : measuresOf(engine), split, options };
};
