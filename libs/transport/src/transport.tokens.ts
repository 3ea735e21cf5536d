/** Transport id of the handlers of observations: `@EventPattern(name, COMMANDER_TRANSPORT)`. */
export const COMMANDER_TRANSPORT = Symbol('COMMANDER_TRANSPORT');
/** Transport id of the handlers of intents: `@EventPattern(name, DISPATCHER_TRANSPORT)`. */
export const DISPATCHER_TRANSPORT = Symbol('DISPATCHER_TRANSPORT');
/** Injection token of the process's `EventContext`. */
export const EVENT_CONTEXT = Symbol('EVENT_CONTEXT');
