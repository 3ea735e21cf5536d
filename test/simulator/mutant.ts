import type { ClaimKey, ClaimStore } from '#idempotency';
import type { Around, Finding, Ports, SimulatorOptions } from '#simulator';
import type { SessionStore } from '#state';

/** A rule of the protocol, broken on purpose by something that stands before the ports of each process. */
export interface Mutant {
  name: string;
  /** the number of the rule in docs/simulator.md */
  rule: number;
  /** the rule of docs/protocol.md that it leaves out */
  breaks: string;
  /** the promise that is broken by that */
  shows: Finding['promise'];
  around: () => Around;
  /** what it takes to notice; the unbroken parts keep their promises under the same options */
  options?: SimulatorOptions;
}

/** The port with some calls changed. */
export const changed = <Port extends object>(port: Port, changes: Partial<Port>): Port =>
  Object.assign(Object.create(port) as Port, changes);

export const claims =
  (change: (real: ClaimStore, digestOf: (key: ClaimKey) => string) => Partial<ClaimStore>) => (): Around => {
    const digests = new Map<string, string>();
    return {
      ports: (ports) => {
        const { claims: real } = ports;
        const noting = changed(real, {
          claim: (request) => {
            digests.set(request.intentId, request.digest);
            return real.claim(request);
          },
        });
        return {
          ...ports,
          claims: changed(
            noting,
            change(noting, ({ intentId }) => digests.get(intentId) ?? ''),
          ),
        };
      },
    };
  };

export const sessions =
  (change: (real: SessionStore, ports: Ports) => Partial<SessionStore>) => (): Around => ({
    ports: (ports) => ({ ...ports, sessions: changed(ports.sessions, change(ports.sessions, ports)) }),
  });

/** Both, where one has to know what the other was asked. */
export const withDigests =
  (
    change: (real: SessionStore, digestOf: (intentId: string) => string | undefined) => Partial<SessionStore>,
  ) =>
  (): Around => {
    const digests = new Map<string, string>();
    return {
      ports: (ports) => ({
        ...ports,
        claims: changed(ports.claims, {
          claim: (request) => {
            digests.set(request.intentId, request.digest);
            return ports.claims.claim(request);
          },
        }),
        sessions: changed(
          ports.sessions,
          change(ports.sessions, (intentId) => digests.get(intentId)),
        ),
      }),
    };
  };
