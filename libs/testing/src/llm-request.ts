/**
 * What the Chat Completions API says about a request before a model sees it: undefined when it is taken, else the
 * message and the parameter of its 400. The rules are those of OpenAI's API, and one of other servers': arguments in the
 * conversation must be a JSON object.
 * https://platform.openai.com/docs/api-reference/chat/create
 */
export const requestFault = (body: unknown): { message: string; param: string } | undefined => {
  if (!isObject(body)) return { message: 'We could not parse the JSON body of your request.', param: '' };
  for (const name of Object.keys(body)) {
    if (!KNOWN_PARAMETERS.has(name))
      return { message: `Unrecognized request argument supplied: ${name}`, param: name };
  }
  if (typeof body.model !== 'string' || body.model === '')
    return { message: 'you must provide a model parameter', param: 'model' };
  return toolsFault(body) ?? messagesFault(body.messages);
};

const KNOWN_PARAMETERS = new Set(
  (
    'model messages tools tool_choice parallel_tool_calls temperature top_p n stop max_tokens max_completion_tokens ' +
    'presence_penalty frequency_penalty logit_bias logprobs top_logprobs user seed response_format stream ' +
    'stream_options reasoning_effort store metadata service_tier'
  ).split(' '),
);
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Fault = { message: string; param: string } | undefined;
const fault = (param: string, problem: string): Fault => ({
  message: `Invalid '${param}': ${problem}`,
  param,
});

const toolsFault = (body: Record<string, unknown>): Fault => {
  const { tools } = body;
  if (tools === undefined) {
    const lonely = ['tool_choice', 'parallel_tool_calls'].find((name) => name in body);
    return lonely === undefined ? undefined : fault(lonely, "only allowed when 'tools' are specified.");
  }
  if (!Array.isArray(tools) || tools.length === 0)
    return fault('tools', 'empty array. Expected an array with minimum length 1.');
  if (tools.length > 128) return fault('tools', 'array too long. Expected an array with maximum length 128.');
  const names = new Set<unknown>();
  for (const [i, tool] of tools.entries()) {
    const at = `tools[${i}].function`;
    const target: unknown = isObject(tool) && tool.type === 'function' ? tool.function : undefined;
    if (!isObject(target)) return fault(`tools[${i}]`, "expected an object of type 'function'.");
    if (typeof target.name !== 'string' || !NAME.test(target.name))
      return fault(`${at}.name`, 'string does not match pattern.');
    if (names.has(target.name)) return fault(`${at}.name`, 'tool names must be unique.');
    names.add(target.name);
    if (
      target.description !== undefined &&
      (typeof target.description !== 'string' || target.description.length > 1024)
    ) {
      return fault(`${at}.description`, 'string too long. Expected a string with maximum length 1024.');
    }
    if (
      target.parameters !== undefined &&
      (!isObject(target.parameters) || target.parameters.type !== 'object')
    ) {
      return fault(`${at}.parameters`, 'schema must be a JSON Schema of \'type: "object"\'.');
    }
  }
  return undefined;
};

const messagesFault = (messages: unknown): Fault => {
  if (!Array.isArray(messages) || messages.length === 0)
    return fault('messages', 'expected a non-empty array.');
  let open = new Set<string>();
  for (const [i, message] of messages.entries()) {
    const at = `messages[${i}]`;
    if (!isObject(message)) return fault(at, 'expected an object.');
    if (message.role === 'tool') {
      const id = message.tool_call_id;
      if (typeof message.content !== 'string') return fault(`${at}.content`, 'expected a string.');
      if (typeof id !== 'string' || !open.delete(id)) {
        return fault(
          at,
          "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
        );
      }
      continue;
    }
    if (open.size > 0) return unanswered(open);
    if (message.role === 'assistant') {
      const calls = assistantFault(message, at);
      if ('fault' in calls) return calls.fault;
      open = calls.ids;
    } else if (message.role !== 'system' && message.role !== 'developer' && message.role !== 'user') {
      return fault(`${at}.role`, `'${String(message.role)}' is not one of the roles.`);
    } else if (typeof message.content !== 'string') return fault(`${at}.content`, 'expected a string.');
  }
  return open.size > 0 ? unanswered(open) : undefined;
};

const unanswered = (ids: ReadonlySet<string>): Fault => ({
  param: 'messages',
  message:
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
    `The following tool_call_ids did not have response messages: ${[...ids].join(', ')}`,
});

const assistantFault = (
  message: Record<string, unknown>,
  at: string,
): { fault: Fault } | { ids: Set<string> } => {
  const ids = new Set<string>();
  const { content, tool_calls: calls } = message;
  if (content !== undefined && content !== null && typeof content !== 'string') {
    return { fault: fault(`${at}.content`, 'expected a string.') };
  }
  if (calls === undefined) {
    return typeof content === 'string'
      ? { ids }
      : { fault: fault(`${at}.content`, 'expected a string, got null.') };
  }
  if (!Array.isArray(calls) || calls.length === 0)
    return { fault: fault(`${at}.tool_calls`, 'empty array.') };
  for (const [n, call] of calls.entries()) {
    const place = `${at}.tool_calls[${n}]`;
    if (!isObject(call) || call.type !== 'function' || !isObject(call.function))
      return { fault: fault(place, 'expected a function call.') };
    if (typeof call.id !== 'string' || call.id === '')
      return { fault: fault(`${place}.id`, 'expected a string.') };
    if (call.id.length > 40)
      return { fault: fault(`${place}.id`, 'string too long. Expected a string with maximum length 40.') };
    if (ids.has(call.id)) return { fault: fault(`${place}.id`, 'duplicate id.') };
    ids.add(call.id);
    const { name, arguments: given } = call.function;
    if (typeof name !== 'string' || !NAME.test(name))
      return { fault: fault(`${place}.function.name`, 'string does not match pattern.') };
    if (typeof given !== 'string' || !isObjectText(given))
      return { fault: fault(`${place}.function.arguments`, 'expected a JSON object.') };
  }
  return { ids };
};

const isObjectText = (text: string): boolean => {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
};
