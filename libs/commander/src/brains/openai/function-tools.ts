import type { ToolCatalogue, ToolSpec } from '#contracts';
import type { ChatCompletionFunctionTool } from 'openai/resources/chat/completions';
import { MAX_DESCRIPTION_LENGTH } from './chat.js';
import { quote } from './cut.js';

/** The tools that a session's model may call: those that the submission names, or all. */
export const offeredTools = (catalogue: ToolCatalogue, subset: readonly string[] | undefined): ToolSpec[] => {
  const all = catalogue.list();
  if (subset === undefined) return [...all];
  const wanted = new Set(subset);
  return all.filter((tool) => wanted.has(tool.name));
};

/** A tool as the API describes it. Not `strict`: that mode takes only a part of JSON Schema. */
export const functionTool = (tool: ToolSpec): ChatCompletionFunctionTool => ({
  type: 'function',
  function: {
    name: tool.name,
    description: quote(tool.description, MAX_DESCRIPTION_LENGTH - 1),
    parameters: tool.parameters,
  },
});
