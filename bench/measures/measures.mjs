import { asleep } from './asleep.mjs';
import { cold } from './cold.mjs';
import { drain } from './drain.mjs';
import { latency } from './latency.mjs';
import { slowTool } from './slow-tool.mjs';

/** Each is told the server and the options, and resolves with its figures. */
export const MEASURES = { drain, latency, asleep, cold, 'slow-tool': slowTool };
