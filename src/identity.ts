import type { EventContext } from '#contracts';
import { bootId } from '#idempotency';
import type { Settings } from './config/index.js';

/** Enough of the boot id to tell two lives of one instance apart in an event's source. */
const BOOT_CHARS = 8;

/** What names this process in events: the configured instance, and which of its lives it is. */
export const instanceOf = ({ process: { instance } }: Settings): string =>
  `${instance}-${bootId.slice(0, BOOT_CHARS)}`;

/** What every event of this process carries; `part` speaks, e.g. `commander`. */
export const eventContextOf = (settings: Settings, part: string): EventContext => ({
  source: `/${part}/${instanceOf(settings)}`,
  typePrefix: settings.protocol.typePrefix,
  deployment: settings.protocol.deployment,
});
