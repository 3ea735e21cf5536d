import {
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { type ExternalTool, ToolCatalogue } from '#contracts';
import { registeredExternal, registeredTool } from './registry/registered.tool.js';
import { discoverTools } from './registry/tool.discovery.js';
import type { LoadedTools } from './registry/tool.files.js';
import { unknownOptions } from './registry/unknown.options.js';
import { ToolRegistry } from './registry/tool.registry.js';
import { builtInTools, type BuiltInTools } from './tools/built.in.js';

/** Which tools a process knows. */
export interface ToolsOptions {
  /** what `loadToolModules` brought */
  loaded: LoadedTools;
  /** what `loadExternalTools` brought, and from where */
  external?: { tools: readonly ExternalTool[]; file: string };
  /** `sqlite:PATH`; undefined: there is no `sql_query` */
  sqlUrl?: string | undefined;
  /** hosts that `http_request` may call */
  httpAllow: readonly string[];
  /** of a response's body, and of a result as a whole */
  resultLimitBytes: number;
}

const TOOLS_OPTIONS = Symbol('TOOLS_OPTIONS');
const BUILT_IN_TOOLS = Symbol('BUILT_IN_TOOLS');

/**
 * The catalogue of tools, for every role: the built-in ones, the files' and packages' of DORMOUSE_TOOLS, the `@Tool`
 * methods of all providers, and the external ones. Global; it is full once the modules are initialised.
 */
@Module({})
export class ToolsModule implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Tools');

  constructor(
    private readonly registry: ToolRegistry,
    private readonly discovery: DiscoveryService,
    @Inject(TOOLS_OPTIONS) private readonly options: ToolsOptions,
    @Inject(BUILT_IN_TOOLS) private readonly builtIn: BuiltInTools,
  ) {}

  static forRoot(options: ToolsOptions): DynamicModule {
    return {
      module: ToolsModule,
      global: true,
      imports: [DiscoveryModule, ...options.loaded.modules],
      providers: [
        ToolRegistry,
        { provide: ToolCatalogue, useExisting: ToolRegistry },
        { provide: TOOLS_OPTIONS, useValue: options },
        { provide: BUILT_IN_TOOLS, useFactory: () => builtInTools(options) },
        ...options.loaded.providers,
      ],
      exports: [ToolRegistry, ToolCatalogue],
    };
  }

  /** Errors: `tool_invalid`: the start stops, and the message says what to add or change. */
  onModuleInit(): void {
    const { registry, options } = this;
    for (const { definition, from } of this.builtIn.definitions)
      registry.add(registeredTool(definition, from));
    for (const { definition, from } of options.loaded.definitions) {
      registry.add(registeredTool(definition, from));
      for (const warning of unknownOptions(definition))
        this.logger.warn(`${from}, tool ${definition.name}: ${warning}`);
    }
    for (const tool of discoverTools(this.discovery)) registry.add(tool);
    for (const tool of options.external?.tools ?? [])
      registry.add(registeredExternal(tool, `DORMOUSE_EXTERNAL_TOOLS, ${options.external?.file ?? ''}`));
    for (const warning of registry.seal()) this.logger.warn(warning);
    this.logger.log(
      `${registry.list().length} tools: ${registry
        .list()
        .map(({ name }) => name)
        .join(', ')}`,
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await this.builtIn.close();
  }
}
