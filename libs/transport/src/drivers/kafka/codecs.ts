import { decompress as unzstd } from 'fzstd';
import kafkajs from 'kafkajs';
import lz4 from 'lz4js';
import snappy from 'snappyjs';

/**
 * The compressions that kafkajs doesn't bring itself (it has gzip). We write none of them; other programs do, and a topic's
 * own `compression.type` makes the broker use one.
 */

/** How Java's clients frame Snappy: this, two versions, then blocks, each after its length. Others write one block alone. */
const FRAMED = Buffer.from('\x82SNAPPY\0', 'latin1');
const FRAME_HEADER_BYTES = FRAMED.length + 8;

const unsnappy = (bytes: Buffer): Buffer => {
  if (!bytes.subarray(0, FRAMED.length).equals(FRAMED)) return Buffer.from(snappy.uncompress(bytes));
  const blocks: Uint8Array[] = [];
  for (let at = FRAME_HEADER_BYTES; at < bytes.length;) {
    const begin = at + 4;
    at = begin + bytes.readUInt32BE(at);
    blocks.push(snappy.uncompress(bytes.subarray(begin, at)));
  }
  return Buffer.concat(blocks);
};

const codec = (decompress: (bytes: Buffer) => Uint8Array) => () => ({
  decompress: (bytes: Buffer) => Promise.resolve(Buffer.from(decompress(bytes))),
});

/** Lets every client of kafkajs in this process read them. */
export const readAllCompressions = (): void => {
  const { CompressionCodecs: codecs, CompressionTypes: types } = kafkajs;
  codecs[types.Snappy] = codec(unsnappy);
  codecs[types.LZ4] = codec((bytes) => lz4.decompress(bytes));
  codecs[types.ZSTD] = codec(unzstd);
};
