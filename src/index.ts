/*
 * The package `dormouse`, as files of tools import it.
 */
export { NonRetryableError, RetryableError, UnknownOutcomeError } from '#contracts';
export { type ProbeAnswer, Tool, type ToolContext, type ToolDefinition, type ToolOptions } from '#dispatcher';
