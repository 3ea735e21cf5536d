export { deepFreeze } from './deep-freeze.js';
export { claimStoreContract } from './claims/claim-store.contract.js';
export type { ClaimSuiteCapabilities } from './claims/claim-suite.js';
export type { SuiteCapabilities, TestBed, TestBedFactory } from './contract/test-bed.js';
export {
  deadLetterStoreContract,
  SUITE_DEAD_LETTER_RETENTION_MS,
} from './dead-letters/dead-letter-store.contract.js';
export {
  deliveryLedgerContract,
  SUITE_DELIVERY_RETENTION_MS,
} from './deliveries/delivery-ledger.contract.js';
export { type EventuallyOptions, eventually, settles } from './eventually.js';
export { type FakeClock, fakeClock } from './fake-clock.js';
export { goProgram, pythonWith } from './foreign-programs.js';
export { freshName } from './fresh-name.js';
export { requestFault } from './llm-request.js';
export {
  type LlmRequest,
  type LlmServer,
  type LlmTurn,
  type ScriptedCall,
  type SentMessage,
  startLlmServer,
} from './llm-server.js';
export { noLeftovers } from './leftovers.js';
export { NamedTools } from './named-tools.js';
export { OtlpReceiver, type ReceivedSpan } from './otlp-receiver.js';
export { RuntimeProcess, freePort } from './runtime-process.js';
export { LocalProcess } from './servers/local-process.js';
export { type CommitAnswer, ScriptedLog, type ScriptedLogOptions, ScriptedMember } from './scripted-log.js';
export { seededRandom } from './seeded-random.js';
export type { SessionBed, WakeDamage } from './sessions/session-suite.js';
export { sessionStoreContract } from './sessions/session-store.contract.js';
export { slotStoreContract } from './slots/slot-store.contract.js';
export { type TempDir, tempDir } from './temp-dir.js';
export { transportContract } from './transport/transport.contract.js';
export { VirtualTime } from './virtual-time.js';
