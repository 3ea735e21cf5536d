import { type DeliveryCount, DeliveryLedger, type Instance, type Taken } from '#state';

/** Nobody counts deliveries in a simulation: its processes die by chance, and no record is to blame. */
export class UncountedDeliveries extends DeliveryLedger {
  beat(): Promise<void> {
    return Promise.resolve();
  }
  instances(): Promise<Instance[]> {
    return Promise.resolve([]);
  }
  counts(): Promise<DeliveryCount[]> {
    return Promise.resolve([]);
  }
  leave(): Promise<void> {
    return Promise.resolve();
  }
  take(): Promise<Taken> {
    return Promise.resolve({ died: false, counts: [] });
  }
  count(): Promise<void> {
    return Promise.resolve();
  }
  kill(): Promise<number> {
    return Promise.resolve(0);
  }
  convict(): Promise<void> {
    return Promise.resolve();
  }
  isConvicted(): Promise<boolean> {
    return Promise.resolve(false);
  }
  release(): Promise<void> {
    return Promise.resolve();
  }
  forget(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}
