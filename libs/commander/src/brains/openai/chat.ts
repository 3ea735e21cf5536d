import type { Json } from '#contracts';
import type {
  ChatCompletionAssistantMessageParam,
  ChatCompletionFunctionTool,
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionSystemMessageParam,
  ChatCompletionToolMessageParam,
  ChatCompletionUserMessageParam,
} from 'openai/resources/chat/completions';

/*
 * What is sent, as the SDK types it, with the two fields beside the standard that servers want back as they gave them:
 * - `extra_content` of a tool call (Gemini's thought signature): a call without it is refused in the next request;
 * - `reasoning_content` of a turn with tool calls (DeepSeek in thinking mode): the same.
 * A server that never gave them never sees them.
 */
export type ToolCallParam = ChatCompletionMessageFunctionToolCall & { extra_content?: Json };
export type AssistantMessage = Omit<ChatCompletionAssistantMessageParam, 'tool_calls'> & {
  tool_calls?: ToolCallParam[];
  reasoning_content?: string;
};
export type ChatMessage =
  | ChatCompletionSystemMessageParam
  | ChatCompletionUserMessageParam
  | AssistantMessage
  | ChatCompletionToolMessageParam;

export interface ChatRequest {
  model: string;
  messages: ChatMessage[];
  /** absent when there are none: the API refuses an empty list */
  tools?: ChatCompletionFunctionTool[];
}

/** What the API accepts as the name of a function. */
export const FUNCTION_NAME = /^[a-zA-Z0-9_-]{1,64}$/;
/** The longest id of a tool call that the API takes back. */
export const MAX_CALL_ID_LENGTH = 40;
/** The longest description of a function that the API accepts. */
export const MAX_DESCRIPTION_LENGTH = 1024;
