import { Ajv } from 'ajv';
import {
  DEFAULT_RETRY,
  DEFAULT_TIMEOUT_MS,
  type EffectClass,
  ToolCatalogue,
  type ToolSpec,
} from '#contracts';

const ANYTHING = { type: 'object' };

/** A catalogue of tools that are only named: what a Commander knows of them, and nothing to run. */
export class NamedTools extends ToolCatalogue {
  private readonly specs: ReadonlyMap<string, ToolSpec>;
  private readonly ajv = new Ajv({ allErrors: true, strict: false });

  constructor(specs: readonly (Partial<ToolSpec> & { name: string })[]) {
    super();
    this.specs = new Map(
      specs.map((spec) => [
        spec.name,
        {
          description: spec.name,
          parameters: ANYTHING,
          effect: 'pure',
          timeoutMs: DEFAULT_TIMEOUT_MS,
          retry: DEFAULT_RETRY,
          servedBy: 'dispatcher',
          ...spec,
        },
      ]),
    );
  }

  list(): readonly ToolSpec[] {
    return [...this.specs.values()];
  }

  get(name: string): ToolSpec | undefined {
    return this.specs.get(name);
  }

  effectOf(name: string): EffectClass {
    const effect = this.specs.get(name)?.effect ?? 'irreversible';
    return effect === 'by_parameters' ? 'irreversible' : effect;
  }

  needsApproval(name: string): boolean {
    return this.specs.get(name)?.approval !== undefined;
  }

  violations(name: string, parameters: unknown): string[] | undefined {
    const schema = this.specs.get(name)?.parameters ?? ANYTHING;
    if (this.ajv.validate(schema, parameters)) return undefined;
    return (this.ajv.errors ?? []).map((e) => `${e.instancePath} ${e.message ?? ''}`);
  }
}
