import type { JsonObject } from '#contracts';

/** The tool that wants a person asked, unless its parameters say that it is quick. */
export const ASKING = 'sign';
export const isQuick = (parameters: JsonObject): boolean => parameters['quick'] === true;
