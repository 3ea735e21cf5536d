export { RuntimeProcess, freePort } from './runtime-process.js';
export { seededRandom } from './seeded-random.js';
