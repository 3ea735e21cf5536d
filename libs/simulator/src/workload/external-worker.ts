import {
  type CloudEvent,
  type EffectClass,
  eventType,
  EVENT_NAMES,
  type JsonObject,
  type ToolCallData,
} from '#contracts';
import { type RegisteredTool, registeredExternal } from '#dispatcher';
import { STRUCTURED_CONTENT_TYPE, type Transport } from '#transport';
import { TOPICS, TYPE_PREFIX } from '../world/naming.js';
import { actOf, type Stage } from './acting-tools.js';

const TIMEOUT_MS = 4_000;
const external = (name: string, effect: EffectClass): RegisteredTool =>
  registeredExternal(
    {
      name,
      description: `a tool of others that is ${effect}`,
      parameters: { type: 'object' },
      effect,
      timeoutMs: TIMEOUT_MS,
    },
    'simulator',
  );

/** As our processes know them: by name alone. */
export const EXTERNAL_TOOLS: readonly RegisteredTool[] = [
  external('ask', 'idempotent'),
  external('fax', 'irreversible'),
];
const NAMES: ReadonlySet<string> = new Set(EXTERNAL_TOOLS.map(({ spec }) => spec.name));

/** How a program of others answers: with all that it could say, with as little as is allowed, or more than once. */
export type Reply = 'full' | 'minimal' | 'minimal_twice' | 'twice' | 'never';

/**
 * A program of others that reads topic A and answers on B, once for each delivery: it keeps no claims, knows no leases,
 * and tells nothing of who it is.
 */
export const externalWorker =
  ({ agenda, ledger, process, serverNow }: Stage, transport: Transport) =>
  async (event: CloudEvent): Promise<void> => {
    // its payload lies in our store, where others can't look
    if (event.data === undefined) return;
    const {
      session_id: sessionId,
      tool_name: tool,
      parameters,
    } = event.data as ToolCallData & { parameters: JsonObject };
    if (!NAMES.has(tool)) return;
    const { id: intentId } = event;
    const act = actOf(parameters, 1);
    const run = ledger.begin({
      intentId,
      sessionId,
      tool,
      process: process.name,
      attempt: 1,
      key: intentId,
      parameters: JSON.stringify(parameters),
      compensates: undefined,
      begunAt: agenda.now,
      external: true,
    });
    await new Promise<void>((resolve) => process.after(act.ms, resolve));
    run.endedAt = agenda.now;
    if (act.does !== undefined) ledger.happened(intentId, serverNow());
    const reply = parameters['reply'] as Reply;
    if (reply === 'never') return;
    const failed = act.ends !== 'ok';
    const answer = {
      specversion: '1.0',
      id: `${intentId}.answer`,
      source: `/others/${tool}`,
      type: eventType(TYPE_PREFIX, EVENT_NAMES.toolResult),
      data: {
        session_id: sessionId,
        ...(reply.startsWith('minimal') ? {} : { intent_id: intentId, tool_name: tool }),
        status: failed ? 'failed' : 'succeeded',
        ...(failed ? {} : { result: { v: 1, of: parameters['name'] ?? null } }),
      },
    };
    const record = {
      topic: TOPICS.observation,
      key: sessionId,
      value: Buffer.from(JSON.stringify(answer)),
      headers: { 'content-type': STRUCTURED_CONTENT_TYPE },
    };
    await transport.publish(reply.endsWith('twice') ? [record, record] : [record]);
  };
