/**
 * How the runtime is started. Sessions make many objects that live for a few milliseconds: with a young generation this
 * large they die in it, instead of being copied out of it.
 */
export const NODE_FLAGS = ['--max-semi-space-size=64', '--min-semi-space-size=16'];
