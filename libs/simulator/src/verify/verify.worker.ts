import { parentPort, workerData } from 'node:worker_threads';
import { type Verification, verifyPart } from './verify.js';

const { verification, part, of } = workerData as { verification: Verification; part: number; of: number };
await verifyPart(verification, part, of, (summary) => parentPort?.postMessage(summary));
