import { type EffectClass, type JsonObject, ToolCatalogue, type ToolSpec } from '#contracts';
import { type RegisteredTool, toolInvalid } from './registered.tool.js';

/**
 * All tools of this process by name. Filled before the first session runs, then {@link ToolRegistry.seal}ed: nothing
 * is added to a running system.
 */
export class ToolRegistry extends ToolCatalogue {
  private readonly tools = new Map<string, RegisteredTool>();
  private specs: readonly ToolSpec[] = [];

  /** Errors: `tool_invalid` for a name that is taken; it names both places. */
  add(tool: RegisteredTool): void {
    const { name } = tool.spec;
    const other = this.tools.get(name);
    if (other !== undefined)
      throw toolInvalid(
        tool.from,
        `the tool name ${name} is taken already, by ${other.from}; rename one of them, or leave one out`,
      );
    this.tools.set(name, tool);
    this.specs = [...this.specs, tool.spec];
  }

  /**
   * Checks what can only be told when all tools are there.
   *
   * @returns a warning for each compensation that isn't idempotent
   * Errors: `tool_invalid` for a compensation that no tool has the name of.
   */
  seal(): string[] {
    const warnings: string[] = [];
    for (const { spec, from } of this.tools.values()) {
      if (spec.compensation === undefined) continue;
      const undoes = this.tools.get(spec.compensation);
      if (undoes === undefined)
        throw toolInvalid(
          from,
          `the tool ${spec.name} names the compensation ${spec.compensation}, which is no tool; add it with @Tool({ name: '${spec.compensation}', … }) or in DORMOUSE_TOOLS, or take the name out`,
        );
      if (undoes.spec.effect !== 'idempotent' && undoes.spec.effect !== 'pure')
        warnings.push(
          `${spec.compensation}, the compensation of ${spec.name}, is ${undoes.spec.effect}: after a crash in the middle it is not repeated and its session parks; make it idempotent (${undoes.from})`,
        );
    }
    return [...new Set(warnings)];
  }

  /** As the executor needs it; undefined: there is no such tool. */
  find(name: string): RegisteredTool | undefined {
    return this.tools.get(name);
  }

  list(): readonly ToolSpec[] {
    return this.specs;
  }

  get(name: string): ToolSpec | undefined {
    return this.tools.get(name)?.spec;
  }

  effectOf(name: string, parameters: JsonObject): EffectClass {
    return this.tools.get(name)?.effectOf(parameters) ?? 'irreversible';
  }

  needsApproval(name: string, parameters: JsonObject): boolean {
    const tool = this.tools.get(name);
    return tool?.check.violations(parameters) === undefined && tool?.needsApproval(parameters) === true;
  }

  override timerMs(name: string, parameters: JsonObject): number | undefined {
    const tool = this.tools.get(name);
    // who doesn't fit waits for nothing: it is refused as soon as it is run
    if (tool?.timerMs === undefined || tool.check.violations(parameters) !== undefined) return undefined;
    return tool.timerMs(parameters);
  }

  violations(name: string, parameters: unknown): string[] | undefined {
    const tool = this.tools.get(name);
    return tool === undefined
      ? [`tool: expected one of the catalogue, got ${JSON.stringify(name)}`]
      : tool.check.violations(parameters);
  }
}
