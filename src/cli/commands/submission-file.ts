import { readFile } from 'node:fs/promises';
import type { Plan, Submission } from '#contracts';

/** The command line was used wrongly; the message says how to. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const readText = async (file: string): Promise<string> => {
  if (file !== '-') {
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      throw new UsageError(`Expected a file that can be read; came ${file} (${(error as Error).message}).`);
    }
  }
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

/** A JSON object from a file, or from standard input for `-`. */
const readObject = async (file: string): Promise<Record<string, unknown>> => {
  const text = await readText(file);
  const where = file === '-' ? 'standard input' : file;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`Expected JSON in ${where}; came something else (${(error as Error).message}).`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(
      `Expected a JSON object in ${where}; came ${Array.isArray(value) ? 'an array' : JSON.stringify(value)}.`,
    );
  return value as Record<string, unknown>;
};

/** The body of a submission; a bare plan (an object with `steps`) is one too. What is in it the server checks. */
export const readSubmission = async (file: string): Promise<Submission> => {
  const object = await readObject(file);
  return 'steps' in object && !('plan' in object) ? { plan: object as unknown as Plan } : object;
};
