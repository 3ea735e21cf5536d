import { createRequire } from 'node:module';
import type * as transformer from 'class-transformer';
import type * as validator from 'class-validator';

const load = createRequire(import.meta.url);

/*
 * The libraries behind DTO classes take a good part of a cold start to load, and only a tool whose parameters are a
 * class needs them. Both are CommonJS: whoever imports them elsewhere has the same copy.
 */

export const classValidator = (): typeof validator => load('class-validator') as typeof validator;
export const classTransformer = (): typeof transformer => load('class-transformer') as typeof transformer;
