import { asleep } from './asleep.mjs';
import { burst } from './burst.mjs';
import { cold } from './cold.mjs';
import { drain } from './drain.mjs';
import { growth } from './growth.mjs';
import { latency } from './latency.mjs';
import { pickUp } from './pick-up.mjs';
import { scaleOut } from './scale-out.mjs';
import { slowTool } from './slow-tool.mjs';
import { timers } from './timers.mjs';

/**
 * @typedef {object} Measure
 * @property {(context: { server: import('../server.mjs').Server, engine: import('../engines.mjs').Engine, sessions?: number, effect?: string }) => Promise<object>} run
 *   resolves with its figures
 * @property {string[][]} [layout] the roles of each process that it needs; absent: as the command line says. More than
 *   one process needs an engine that several share
 */

/** In the order in which they run when none is named. @type {Record<string, Measure>} */
export const MEASURES = {
  drain: { run: drain },
  latency: { run: latency },
  asleep: { run: asleep },
  cold: { run: cold },
  growth: { run: growth, layout: [['api', 'commander', 'dispatcher', 'scheduler']] },
  'slow-tool': { run: slowTool },
  timers: {
    run: timers,
    layout: [['api', 'commander', 'dispatcher'], ['scheduler'], ['scheduler'], ['scheduler']],
  },
  burst: {
    run: burst,
    layout: [['api'], ['commander'], ['commander'], ['dispatcher'], ['dispatcher'], ['scheduler']],
  },
  'scale-out': { run: scaleOut, layout: [['api', 'commander', 'scheduler'], ['dispatcher']] },
  'pick-up': { run: pickUp, layout: [['api', 'commander', 'scheduler'], ['dispatcher'], ['dispatcher']] },
};

/** Those that an engine can be asked for: the embedded one has a single process. */
export const measuresOf = (engine) =>
  Object.keys(MEASURES).filter((name) => engine !== 'embedded' || (MEASURES[name].layout?.length ?? 1) === 1);
