import {
  DormouseError,
  type Fault,
  type Finding,
  findingSentence,
  risk,
  unknown,
  well,
  wrong,
} from '#contracts';
import type { Transport } from '#transport';
import type { Settings } from '../config/index.js';

/** Room for what an event has beside its data: its attributes, and what a dead letter says of it. */
const ENVELOPE_BYTES = 16 * 1024;

/** Whether the topics take the largest record that the settings allow. */
const sizeFinding = (maxRecordBytes: number, { protocol }: Settings): Finding => {
  const check = 'DORMOUSE_INLINE_LIMIT';
  if (protocol.inlineLimitBytes + ENVELOPE_BYTES <= maxRecordBytes)
    return well(check, `the topics take records of ${maxRecordBytes} bytes`);
  return wrong(check, {
    expected: `at most ${maxRecordBytes - ENVELOPE_BYTES} bytes, since the topics take records of ${maxRecordBytes} bytes`,
    came: String(protocol.inlineLimitBytes),
    advice: "Lower it, or raise the topics' max.message.bytes.",
  });
};

/** Whether what is remembered of intents outlives their records. */
const retentionFinding = (
  keptMs: number | null,
  shared: boolean,
  { protocol: { retentionMs }, log }: Settings,
): Finding => {
  const check = 'DORMOUSE_RETENTION_MS';
  const topic = log.topics.intent;
  if (keptMs === null)
    return unknown(
      check,
      `it isn't known how long ${topic} keeps its records: see to it that its retention.ms is at most DORMOUSE_RETENTION_MS (${retentionMs})`,
    );
  if (keptMs === Infinity && shared)
    return risk(check, {
      expected: `${topic} to keep its records for no longer than outcomes are remembered, ${retentionMs} ms`,
      came: `retention.ms -1: ${topic} keeps its records for ever`,
      advice: 'An intent of another program that is read again after that runs again. Set its retention.ms.',
    });
  if (keptMs > retentionMs && keptMs !== Infinity)
    return wrong(check, {
      expected: `at least ${keptMs}, for so long ${topic} keeps its records (retention.ms), and an intent that is read again must find its outcome`,
      came: String(retentionMs),
      advice: "Raise it, or lower the topic's retention.ms.",
    });
  return well(check, `outcomes are remembered for ${retentionMs} ms, ${topic} keeps its records no longer`);
};

/** Whether the log is set so that the settings can be kept. What is wrong stops a start. */
export const logFindings = async (
  transport: Pick<Transport, 'capabilities' | 'retentionMs'>,
  settings: Settings,
): Promise<Finding[]> => {
  const { maxRecordBytes, shared } = transport.capabilities;
  const size = sizeFinding(maxRecordBytes, settings);
  const keptMs = await transport.retentionMs(settings.log.topics.intent);
  return [size, retentionFinding(keptMs, shared, settings)];
};

/**
 * The same at start. Returns sentences for the log.
 *
 * Errors: `invalid_settings`: a record of the largest size wouldn't be taken; records outlive what is remembered of them
 */
export const checkLog = async (
  transport: Pick<Transport, 'capabilities' | 'retentionMs'>,
  settings: Settings,
): Promise<string[]> => {
  const findings = await logFindings(transport, settings);
  const stopping = findings.find((finding): finding is Fault => finding.state === 'wrong');
  if (stopping !== undefined) throw new DormouseError('invalid_settings', findingSentence(stopping));
  return findings.filter(({ state }) => state !== 'well').map(findingSentence);
};
