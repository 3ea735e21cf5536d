import { readFileSync } from 'node:fs';

/** One line of the journal that the tools keep. */
export interface JournalLine {
  intent: string;
  key: string;
  effect: string;
  at: 'begin' | 'end';
}

export const readJournal = (file: string): JournalLine[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JournalLine);

/** Sentences on what the tools did and must not have done; empty when they kept their effect classes. */
export const journalFaults = (lines: readonly JournalLine[]): string[] => {
  const faults: string[] = [];
  const begun = new Set<string>();
  for (const { intent, key, effect, at } of lines) {
    if (key !== intent) faults.push(`${intent}: ran under the idempotency key ${key}`);
    if (at !== 'begin') continue;
    if (begun.has(intent) && (effect === 'irreversible' || effect === 'compensatable'))
      faults.push(`${intent}: ${effect}, and run twice`);
    begun.add(intent);
  }
  return faults;
};
