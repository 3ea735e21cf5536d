import { DormouseError } from '#contracts';

const text = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** The engine was closed by its owner. */
export const closedError = (): DormouseError =>
  new DormouseError('closed', 'expected an open engine, but it was closed: nothing was written');

/** A write to the disk failed: what is on it is unknown, so the engine takes nothing more. */
export const brokenError = (what: string, cause: unknown): DormouseError =>
  new DormouseError(
    'unavailable',
    `${what} failed (${text(cause)}): the engine takes no more writes; free or repair the disk and start again`,
    { retryable: true, cause },
  );

/** The folder can't be used at all. */
export const folderError = (dir: string, what: string, cause?: unknown): DormouseError =>
  new DormouseError(
    'invalid_settings',
    `DORMOUSE_DATA_DIR: expected a folder on a local disk that can be written, ${dir}: ${what}` +
      (cause === undefined ? '' : ` (${text(cause)})`),
    { cause },
  );

/** The folder lost a part of what it acknowledged. */
export const damagedError = (dir: string, what: string): DormouseError =>
  new DormouseError(
    'internal',
    `${dir} is damaged: ${what}; restore a copy of the folder, or use another one`,
  );

/** The folder was written by a release that this one doesn't understand. */
export const newerFolderError = (dir: string, found: string): DormouseError =>
  new DormouseError(
    'newer_version',
    `${dir} was written by a later release (${found}): run that release, or use another folder`,
  );
