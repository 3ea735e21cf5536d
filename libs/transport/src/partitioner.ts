const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** MurmurHash2, 32 bits, with the seed of Kafka's clients: https://github.com/aappleby/smhasher */
const murmur2Of = (length: number, at: (i: number) => number): number => {
  let hash = SEED ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let word = Math.imul(at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24), M);
    word ^= word >>> 24;
    hash = Math.imul(hash, M) ^ Math.imul(word, M);
  }
  const rest = length - i;
  if (rest > 2) hash ^= at(i + 2) << 16;
  if (rest > 1) hash ^= at(i + 1) << 8;
  if (rest > 0) hash = Math.imul(hash ^ at(i), M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
};

export const murmur2 = (bytes: Uint8Array): number => murmur2Of(bytes.length, (i) => bytes[i] ?? 0);

// eslint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\x00-\x7f]*$/;

/** The partition of a key: the same one that Kafka's Java client and kafkajs choose. */
export const partitionOf = (key: string | Uint8Array, partitions: number): number => {
  const hash =
    typeof key === 'string' && ASCII.test(key)
      ? murmur2Of(key.length, (i) => key.charCodeAt(i))
      : murmur2(typeof key === 'string' ? Buffer.from(key) : key);
  return (hash & 0x7fffffff) % partitions;
};
