import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '#engine';
import { claimStoreContract, fakeClock } from '#testing';
import { EmbeddedClaimStore } from '#idempotency';

claimStoreContract(
  'embedded',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'dormouse-claims-'));
    const clock = fakeClock();
    let engine: Engine | undefined;
    return {
      open: async () => {
        await engine?.close();
        engine = await Engine.open({ dir, clock: clock.now });
        return new EmbeddedClaimStore(engine);
      },
      crash: async () => engine?.abandon(),
      advance: (ms) => clock.advance(ms),
      dispose: async () => {
        await engine?.close();
        rmSync(dir, { recursive: true, force: true });
      },
    };
  },
  {},
);
