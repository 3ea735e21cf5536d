import type { SessionView } from '#contracts';
import { plain } from './table.js';

/** What the session wants to know, and how to tell it. */
export const tellQuestion = ({ session_id, question }: SessionView): string =>
  question === undefined
    ? ''
    : `asks: ${plain(question.content)}\nanswer: dormouse message ${plain(session_id)} "…" --follow`;
