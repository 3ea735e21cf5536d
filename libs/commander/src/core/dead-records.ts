import { type DeadRecord, type ErrorData, resultId } from '#contracts';

/** A letter about an intent that has its answer asks for nobody any more. */
export const isAbout = (letter: DeadRecord, intentId: string): boolean =>
  letter.intent_id === intentId || letter.event_id === intentId || letter.event_id === resultId(intentId);

/** What a session with dead letters shows as its error. */
export const deadError = (letters: readonly DeadRecord[]): ErrorData => {
  const [first] = letters;
  const names = letters.map(({ id }) => id);
  return {
    code: 'dead_letter',
    message: `${names.join(', ')}: ${letters.length === 1 ? 'a record' : 'records'} of this session could not be processed (${first?.reason ?? ''}). Look with \`dormouse dead-letters show\`, mend the cause, then redrive.`,
    retryable: false,
    details: {
      dead_letter: first?.id ?? null,
      dead_letters: names,
      ...(first?.intent_id === undefined ? {} : { intent_id: first.intent_id }),
    },
  };
};
