import type { Settings } from '../config/index.js';
import type { OpenTracing } from './tracing.js';

/** What the settings ask for; undefined: nobody listens, nothing of OpenTelemetry is loaded, no span is made. */
export const openTracing = async (settings: Settings): Promise<OpenTracing | undefined> => {
  const { endpoint } = settings.tracing;
  if (endpoint === undefined) return undefined;
  const { OtlpTracing } = await import('./otlp-tracing.js');
  return OtlpTracing.open(endpoint, settings);
};
