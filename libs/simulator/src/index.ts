export { ClaimRows } from './servers/claim-rows.js';
export type { Line } from './servers/line.js';
export { LogRows } from './servers/log-rows.js';
export { SessionRows } from './servers/session-rows.js';
export { SimulatedClaimStore } from './servers/simulated-claim-store.js';
export { SimulatedSessionStore } from './servers/simulated-session-store.js';
export { SimulatedTransport } from './servers/simulated-transport.js';
export { runSchedule, type ScheduleReport, type SimulatorOptions } from './simulator.js';
