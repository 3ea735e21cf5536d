import type { FedPartition } from './fed-partition.js';

/** One partition's time with one member; when it is lost and comes back, it is another one. */
export class Ownership {
  /** null: it isn't known yet where reading begins */
  fed: FedPartition | null = null;
  /** resolves when `fed` is there */
  readonly begun: Promise<void>;
  private resolve: () => void = () => undefined;

  constructor(readonly partition: number) {
    this.begun = new Promise((resolve) => (this.resolve = resolve));
  }

  begin(fed: FedPartition): void {
    this.fed = fed;
    this.resolve();
  }
}
