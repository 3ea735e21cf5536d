export { type EventuallyOptions, eventually, settles } from './eventually.js';
export { type FakeClock, fakeClock } from './fake-clock.js';
export { freshName } from './fresh-name.js';
export { noLeftovers } from './leftovers.js';
export { RuntimeProcess, freePort } from './runtime-process.js';
export { seededRandom } from './seeded-random.js';
export { type TempDir, tempDir } from './temp-dir.js';
