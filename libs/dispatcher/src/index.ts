export { type Clock, systemClock } from './clock.js';
export { DispatcherController } from './dispatcher.controller.js';
export { dispatcherConsumer, DispatcherModule } from './dispatcher.module.js';
export { DISPATCHER_OPTIONS, type DispatcherOptions } from './dispatcher.options.js';
export { Executor } from './executor/executor.js';
export { ToolFigures } from './executor/figures.js';
export { type Counts } from './executor/parts.js';
export { loadExternalTools } from './registry/external.tools.js';
export { type RegisteredTool, registeredExternal, registeredTool } from './registry/registered.tool.js';
export { Tool } from './registry/tool.decorator.js';
export type {
  ParameterClass,
  ProbeAnswer,
  ToolContext,
  ToolDefinition,
  ToolLogger,
  ToolOptions,
} from './registry/tool.definition.js';
export { type LoadedTools, loadToolModules } from './registry/tool.files.js';
export { ToolRegistry } from './registry/tool.registry.js';
export { type BuiltInOptions, builtInTools, type BuiltInTools } from './tools/built.in.js';
export { httpRequestTool } from './tools/http/http.tool.js';
export { sqlQueryTool } from './tools/sql/sql.tool.js';
export { waitTool } from './tools/wait.tool.js';
export { ToolsModule, type ToolsOptions } from './tools.module.js';
