import type { ToolDefinition } from './tool.definition.js';

const OPTIONS = {
  name: true,
  description: true,
  parameters: true,
  effect: true,
  annotations: true,
  compensation: true,
  timeoutMs: true,
  idleTimeoutMs: true,
  queueTtlMs: true,
  retry: true,
  concurrency: true,
  probe: true,
  approval: true,
  run: true,
  timer: true,
} satisfies Record<keyof ToolDefinition, true>;

/** A sentence for each field of a plain tool that means nothing here: most are misspelt. */
export const unknownOptions = (tool: ToolDefinition): string[] =>
  Object.keys(tool)
    .filter((name) => !(name in OPTIONS))
    .map(
      (name) =>
        `${name} is no option of a tool and does nothing; there are ${Object.keys(OPTIONS).join(', ')}`,
    );
