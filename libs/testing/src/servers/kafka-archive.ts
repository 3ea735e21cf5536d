import { existsSync, renameSync, rmSync } from 'node:fs';

/**
 * The flags which make Java load Kafka's classes from `archive`. The first time the archive is made: `runOnce` runs a
 * broker with the flags that it is given until it is ready, and ends it in order.
 * A broker starts without an archive too, so what goes wrong here is only told.
 */
export const archiveFlags = async (
  archive: string,
  runOnce: (flags: readonly string[]) => Promise<void>,
): Promise<readonly string[]> => {
  if (!existsSync(archive)) {
    const making = `${archive}.${process.pid}`;
    try {
      await runOnce([`-XX:ArchiveClassesAtExit=${making}`]);
      renameSync(making, archive);
    } catch (error) {
      rmSync(making, { force: true });
      console.error(`Kafka will start slower than it could: ${String(error)}`);
      return [];
    }
  }
  return [`-XX:SharedArchiveFile=${archive}`];
};
