import { DEFAULT_TOPICS } from '#contracts';
import { Engine } from '#engine';
import { EmbeddedTransport, type OutboundRecord } from '#transport';

/** What programs of others write to the log while nobody of ours runs. */
export const written = async (dir: string, records: OutboundRecord[]): Promise<void> => {
  const engine = await Engine.open({ dir });
  const transport = new EmbeddedTransport(engine);
  await transport.start(Object.values(DEFAULT_TOPICS).map((topic) => ({ topic, partitions: 16 })));
  await transport.publish(records);
  await transport.close();
  await engine.close();
};
