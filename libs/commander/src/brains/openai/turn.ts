import type { Json, JsonObject } from '#contracts';

/** A tool call as the model made it, under an id that is unique in its session. */
export interface ModelCall {
  id: string;
  name: string;
  /** verbatim; may be no JSON at all */
  arguments: string;
  /** the server's own, given back as it was */
  extra?: Json;
}

/**
 * What the model said in one turn. Kept in the history as a `brain` entry (`Decision.message`) and read back from there
 * at the next think, perhaps by a later release: hence `v`.
 */
export interface ModelTurn {
  v: 1;
  text: string | null;
  calls: ModelCall[];
  /** why it ended, in the API's words: `stop`, `tool_calls`, `length`, `content_filter`, … */
  finish: string;
  refusal?: string;
  reasoning?: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCall = (value: unknown): boolean =>
  isObject(value) &&
  typeof value.id === 'string' &&
  typeof value.name === 'string' &&
  typeof value.arguments === 'string';

/** A turn as the history holds it; undefined when it isn't one that this release can read. */
export const storedTurn = (content: Json): ModelTurn | undefined => {
  if (!isObject(content) || content.v !== 1 || !Array.isArray(content.calls)) return undefined;
  if (content.text !== null && typeof content.text !== 'string') return undefined;
  if (typeof content.finish !== 'string' || !content.calls.every(isCall)) return undefined;
  return content as unknown as ModelTurn;
};

/** The turn as the history stores it. */
export const toStored = (turn: ModelTurn): JsonObject => ({
  v: turn.v,
  text: turn.text,
  calls: turn.calls.map((call) => ({ ...call })),
  finish: turn.finish,
  ...(turn.refusal === undefined ? {} : { refusal: turn.refusal }),
  ...(turn.reasoning === undefined ? {} : { reasoning: turn.reasoning }),
});

/**
 * The arguments of a call as an object. None at all (some models send nothing for a tool without parameters) are an
 * empty object; undefined when they aren't a JSON object.
 */
export const callArguments = (text: string): JsonObject | undefined => {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
};
