import { DormouseError } from '#contracts';

interface KafkaFailure {
  name: string;
  message: string;
  /** of the system or of TLS */
  code?: unknown;
  /** the protocol's name of the error */
  type?: string;
  retriable?: boolean;
  cause?: unknown;
  /** of several at once, as by `createTopics` */
  errors?: unknown;
}

const failureOf = (error: unknown): KafkaFailure =>
  error instanceof Error ? error : { name: 'Error', message: String(error) };

/** The error itself and what it was made from: kafkajs wraps one into another. */
function* chain(error: unknown): Iterable<KafkaFailure> {
  let current: unknown = error;
  // a cause may be its own cause
  for (let depth = 0; depth < 8 && current !== undefined && current !== null; depth++) {
    const failure = failureOf(current);
    yield failure;
    if (Array.isArray(failure.errors)) for (const inner of failure.errors) yield failureOf(inner);
    current = failure.cause;
  }
}

/** The protocol's name of what went wrong, such as `UNKNOWN_MEMBER_ID`; undefined for an error of the connection. */
export const protocolError = (error: unknown): string | undefined => {
  for (const { type } of chain(error)) if (typeof type === 'string') return type;
  return undefined;
};

/** Trying again later may help: the broker is away, or about to be there. */
export const isPassing = (error: unknown): boolean => {
  if (forbids(error)) return false;
  const [outer] = chain(error);
  if (outer?.name === 'KafkaJSNumberOfRetriesExceeded') return true;
  let last: KafkaFailure | undefined;
  for (const failure of chain(error)) {
    if (failure.name === 'KafkaJSNotImplemented') return false;
    last = failure;
  }
  return last?.retriable !== false;
};

/** We may not do that: a right is missing, or the credentials are wrong. */
export const forbids = (error: unknown): boolean => {
  for (const { type, name } of chain(error)) {
    if (name.startsWith('KafkaJSSASLAuthentication')) return true;
    if (typeof type === 'string' && (type.endsWith('_AUTHORIZATION_FAILED') || type.includes('SASL')))
      return true;
  }
  return false;
};

/** https://nodejs.org/api/tls.html#x509-certificate-error-codes, and that a name doesn't fit */
const UNTRUSTED = /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|CRL_|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME)/;

/** What to do about a connection that didn't come about; empty when the reason says enough. */
const adviceOn = (error: unknown): string => {
  for (const { name, message, code } of chain(error)) {
    if (typeof code === 'string' && UNTRUSTED.test(code))
      return `. The broker's certificate is not trusted (${code}): name its authority's file in NODE_EXTRA_CA_CERTS`;
    if (name === 'KafkaJSConnectionClosedError' || message.includes('before secure TLS connection'))
      return '. If it stays so: do KAFKA_SSL and KAFKA_SASL_MECHANISM fit this listener?';
  }
  return '';
};

/** An error of kafkajs as one of ours. @param doing what was tried, e.g. `publish to agent.intent` */
export const asDormouseError = (error: unknown, doing: string): DormouseError => {
  if (DormouseError.is(error)) return error;
  const reason = failureOf(error).message;
  if (forbids(error)) {
    const message = `Kafka does not allow us to ${doing}: ${reason}. Grant the right, or check the credentials`;
    return new DormouseError('invalid_settings', message, { cause: error });
  }
  return new DormouseError('unavailable', `Kafka: could not ${doing}: ${reason}${adviceOn(error)}`, {
    retryable: true,
    cause: error,
  });
};
