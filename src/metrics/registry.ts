import { collectDefaultMetrics, Counter, Gauge, type MetricType, Registry } from 'prom-client';
import type { Definition, HistogramDefinition, NumberDefinition } from './definition.js';

/** Of the enum that the package declares and doesn't ship. */
const HISTOGRAM = 'histogram' as unknown as MetricType;

/** CPU, memory, event loop lag, garbage collection: of the process, so there is one of them, whoever asks. */
let ofProcess: Registry | undefined;
const processRegistry = (): Registry => {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
};

const registerNumber = (registry: Registry, definition: NumberDefinition): void => {
  const { kind, name, help, read } = definition;
  const common = { name, help, labelNames: [...definition.labels], registers: [registry] };
  if (kind === 'gauge') {
    new Gauge({
      ...common,
      async collect() {
        const samples = await read();
        this.reset();
        for (const { labels, value } of samples) this.set(labels, value);
      },
    });
    return;
  }
  new Counter({
    ...common,
    async collect() {
      const samples = await read();
      // what is counted elsewhere is told as it stands
      this.reset();
      for (const { labels, value } of samples) this.inc(labels, value);
    },
  });
};

/** The lines of a histogram that somebody else has filled. A gauge, because it is told without being asked for sums. */
class Filled extends Gauge {
  constructor(
    registry: Registry,
    private readonly definition: HistogramDefinition,
  ) {
    const { name, help, label } = definition;
    super({ name, help, labelNames: [label], registers: [registry] });
  }

  override async get(): ReturnType<Gauge['get']> {
    const { name, label, read } = this.definition;
    const values: { labels: Record<string, string | number>; value: number; metricName: string }[] = [];
    for (const [of, histogram] of read().entries()) {
      const labels = { [label]: of };
      const add = (suffix: string, value: number, more = {}): void => {
        values.push({ labels: { ...labels, ...more }, value, metricName: `${name}_${suffix}` });
      };
      const { bounds, count, sum } = histogram;
      histogram.cumulative().forEach((below, i) => add('bucket', below, { le: bounds[i] }));
      add('bucket', count, { le: '+Inf' });
      add('sum', sum);
      add('count', count);
    }
    return { ...(await super.get()), type: HISTOGRAM, values };
  }
}

/** What Prometheus reads. https://prometheus.io/docs/instrumenting/exposition_formats/ */
export class Exposition {
  private readonly registry = new Registry();
  readonly contentType = this.registry.contentType;

  constructor(definitions: readonly Definition[]) {
    processRegistry();
    for (const definition of definitions) {
      if (definition.kind === 'histogram') new Filled(this.registry, definition);
      else registerNumber(this.registry, definition);
    }
  }

  async text(): Promise<string> {
    return `${await this.registry.metrics()}\n${await processRegistry().metrics()}`;
  }
}
