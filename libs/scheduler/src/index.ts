export { type AuditLook, auditLook } from './audit-look.js';
export { Auditor } from './auditor.js';
export { type ClaimFacts, type DueFacts, dueWork, type DueWork, putOffUntil } from './due.machine.js';
export { SchedulerModule } from './scheduler.module.js';
export { SCHEDULER_OPTIONS, type SchedulerOptions } from './scheduler.options.js';
export { Sweeper, type SweeperStats } from './sweeper.js';
