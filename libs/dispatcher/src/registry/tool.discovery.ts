import type { DiscoveryService } from '@nestjs/core';
import { type RegisteredTool, registeredTool, toolInvalid } from './registered.tool.js';
import { toolMethodsOf, toolOptionsOf } from './tool.decorator.js';
import type { ToolContext } from './tool.definition.js';

type Method = (parameters: unknown, context: ToolContext) => unknown;

const toolsOf = (
  instance: Record<string, unknown>,
  type: { name: string; prototype?: unknown },
): RegisteredTool[] =>
  toolMethodsOf(type).map((name) => {
    const from = `${type.name}.${name}`;
    const method = instance[name] as Method;
    const options = toolOptionsOf(method);
    if (options === undefined)
      throw toolInvalid(from, 'it is overridden without @Tool; decorate the override too');
    const { probe } = options;
    return registeredTool(
      {
        ...options,
        ...(probe === undefined ? {} : { probe: probe.bind(instance) }),
        run: (parameters: never, context) => method.call(instance, parameters, context),
      },
      from,
    );
  });

/**
 * Every method of a Nest provider or controller that carries `@Tool`, looked up once.
 *
 * Errors: `tool_invalid`, also for a request-scoped provider: a tool has no request.
 */
export const discoverTools = (discovery: DiscoveryService): RegisteredTool[] => {
  const found: RegisteredTool[] = [];
  const seen = new Set<unknown>();
  for (const wrapper of [...discovery.getProviders(), ...discovery.getControllers()]) {
    const instance: unknown = wrapper.instance;
    // a provider made by a factory has no class of its own to look at, its instance has
    const type =
      (wrapper.inject === undefined ? wrapper.metatype : undefined) ??
      (instance as object | null)?.constructor;
    if (typeof type !== 'function' || toolMethodsOf(type).length === 0) continue;
    if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient)
      throw toolInvalid(type.name, 'a provider with @Tool must have the default scope; take its scope out');
    if (typeof instance !== 'object' || instance === null || seen.has(instance)) continue;
    seen.add(instance);
    found.push(...toolsOf(instance as Record<string, unknown>, type));
  }
  return found;
};
