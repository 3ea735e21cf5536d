import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { DormouseError } from '#contracts';
import { rebuild, type RebuildProgress, type RebuildReport } from '#rebuild';
import type { Settings } from './config/index.js';
import { openStorage } from './storage.js';
import { readerGroup } from './store-recognition.js';
import { topicSpecs } from './topics.js';

/**
 * Rebuilds the sessions of the deployment that the settings name.
 *
 * Errors: `invalid_settings`, `rebuild_refused`, `unavailable`
 */
export const rebuildFrom = async (
  settings: Settings,
  tell: (progress: RebuildProgress) => void,
): Promise<RebuildReport> => {
  if (settings.servers === undefined)
    throw new DormouseError(
      'invalid_settings',
      'rebuild: expected KAFKA_BROKERS and REDIS_URL; came neither. The embedded engine keeps log and sessions in one folder: there is nothing to rebuild.',
    );
  // what a server's settings put at risk is said when the server starts; here the output is the report
  Logger.overrideLogger(false);
  const storage = await openStorage(settings);
  const folder = await mkdtemp(join(tmpdir(), 'dormouse-rebuild-'));
  try {
    await storage.transport.start(topicSpecs(settings));
    const { protocol, log, tools } = settings;
    return await rebuild(storage, {
      rules: {
        typePrefix: protocol.typePrefix,
        deployment: protocol.deployment,
        resultLimitBytes: tools.resultLimitBytes,
      },
      topics: log.topics,
      groups: log.groups,
      readerGroup: readerGroup(settings),
      retentionMs: protocol.retentionMs,
      folder: join(folder, 'spool'),
      tell,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
    await storage.transport.close();
    await storage.close();
  }
};
