import { type DormouseError } from '#contracts';
import { Engine } from '#engine';
import { type ClaimStore, EmbeddedClaimStore } from '#idempotency';
import { EmbeddedSessionStore, type SessionStore } from '#state';
import { EmbeddedTransport, type Transport } from '#transport';
import type { Settings } from './config/index.js';

/** The drivers behind the three ports, opened and not yet started. */
export interface Storage {
  sessions: SessionStore;
  claims: ClaimStore;
  transport: Transport;
  /** resolves, never rejects, when storage has failed for good: the process should end */
  failed: Promise<DormouseError>;
  /** after everything that uses it has ended */
  close(): Promise<void>;
}

/**
 * Opens what the settings name: the embedded engine, in its folder.
 *
 * Errors: `data_dir_in_use`, `newer_version`, `invalid_settings` (the folder can't be used)
 */
export const openStorage = async ({
  engine: { dataDir, durability },
  protocol,
}: Settings): Promise<Storage> => {
  const engine = await Engine.open({ dir: dataDir, durability });
  const sessions = new EmbeddedSessionStore(engine);
  const claims = new EmbeddedClaimStore(engine);
  return {
    sessions,
    claims,
    transport: new EmbeddedTransport(engine, { retentionMs: protocol.retentionMs }),
    failed: engine.failed,
    close: async () => {
      await sessions.close();
      await claims.close();
      await engine.close();
    },
  };
};
