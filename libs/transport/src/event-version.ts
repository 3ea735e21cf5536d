import { type CloudEvent, DormouseError, EVENT_VERSION } from '#contracts';

/** What `dataschema` of an event in our form says; whatever else stands there is its writer's. */
const OURS = /^urn:dormouse:schema:.*\/v([^/]*)$/s;
const EXPECTED = `expected an event of version ${EVENT_VERSION} (dataschema …/v${EVENT_VERSION})`;

/**
 * Why nobody will ever read an event: it is of a version that no release of ours has, or of a later one of another
 * program's. Undefined: it can be read; one that says nothing of a version is of the first.
 *
 * @throws DormouseError `newer_version`: a later release of ours wrote it, and it waits for that (rule 15)
 */
export const unknownVersion = (
  { dataschema, deploymentid }: CloudEvent,
  deployment: string,
): string | undefined => {
  if (dataschema === undefined) return undefined;
  const [, said] = OURS.exec(dataschema) ?? [];
  if (said === undefined || said === String(EVENT_VERSION)) return undefined;
  if (deploymentid === deployment && /^[1-9]\d{0,5}$/.test(said) && Number(said) > EVENT_VERSION)
    throw new DormouseError(
      'newer_version',
      `${EXPECTED}, came version ${said}: it waits for a release that reads it`,
      { retryable: true },
    );
  return `${EXPECTED}, came ${JSON.stringify(dataschema)}`;
};
