import { DormouseError } from '#contracts';
import type { Transport } from '#transport';
import type { Settings } from './config/index.js';

/** Room for what an event has beside its data: its attributes, and what a dead letter says of it. */
const ENVELOPE_BYTES = 16 * 1024;

/**
 * Whether the log is set so that the settings can be kept. Returns sentences for the log at start.
 *
 * Errors: `invalid_settings`: a record of the largest size wouldn't be taken; records outlive what is remembered of them
 */
export const checkLog = async (
  transport: Pick<Transport, 'capabilities' | 'retentionMs'>,
  { protocol, log }: Settings,
): Promise<string[]> => {
  const { maxRecordBytes } = transport.capabilities;
  const largest = protocol.inlineLimitBytes + ENVELOPE_BYTES;
  if (largest > maxRecordBytes)
    throw new DormouseError(
      'invalid_settings',
      `DORMOUSE_INLINE_LIMIT: expected at most ${maxRecordBytes - ENVELOPE_BYTES} bytes, since the topics take records of ${maxRecordBytes} bytes; came ${protocol.inlineLimitBytes}. Lower it, or raise the topics' max.message.bytes.`,
    );
  const keptMs = await transport.retentionMs(log.topics.intent);
  if (keptMs === null)
    return [
      `it isn't known how long ${log.topics.intent} keeps its records: see to it that its retention.ms is at most DORMOUSE_RETENTION_MS (${protocol.retentionMs})`,
    ];
  if (keptMs === Infinity)
    return transport.capabilities.shared
      ? [
          `${log.topics.intent} keeps its records for ever, and outcomes are remembered for DORMOUSE_RETENTION_MS (${protocol.retentionMs}): an intent of another program that is read again after that runs again`,
        ]
      : [];
  if (keptMs > protocol.retentionMs)
    throw new DormouseError(
      'invalid_settings',
      `DORMOUSE_RETENTION_MS: expected at least ${keptMs}, for so long ${log.topics.intent} keeps its records (retention.ms), and an intent that is read again must find its outcome; came ${protocol.retentionMs}. Raise it, or lower the topic's retention.ms.`,
    );
  return [];
};
