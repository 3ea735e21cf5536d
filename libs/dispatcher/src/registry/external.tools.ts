import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { ExternalTool } from '#contracts';
import { toolInvalid } from './registered.tool.js';
import { sentencesOf } from './violations.js';

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Reads the file that DORMOUSE_EXTERNAL_TOOLS names: a JSON array of {@link ExternalTool}.
 *
 * Errors: `tool_invalid`, which names the file, the entry and each field that is wrong.
 */
export const loadExternalTools = async (path: string): Promise<ExternalTool[]> => {
  const from = `DORMOUSE_EXTERNAL_TOOLS, ${path}`;
  const expected =
    'expected a JSON array of { name, description, parameters, effect or annotations, compensation?, timeoutMs?, approval? }';
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw toolInvalid(from, `${expected}; ${text(error)}`, error);
  }
  if (!Array.isArray(content)) throw toolInvalid(from, `${expected}, got ${typeof content}`);
  const validate = new Ajv({ allErrors: true, strict: false, verbose: true }).compile<ExternalTool>(
    ExternalTool,
  );
  return content.map((entry: unknown, index) => {
    if (!validate(entry))
      throw toolInvalid(from, `entry ${index}: ${sentencesOf(validate.errors ?? []).join('; ')}`);
    if (entry.effect === undefined && entry.annotations === undefined)
      throw toolInvalid(
        from,
        `entry ${index}: effect: expected a class, or annotations that it follows from`,
      );
    return entry;
  });
};
