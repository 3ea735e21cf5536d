import type { Static, TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { ApprovalData, type CloudEvent, type JsonObject, ResolutionData } from '#contracts';
import { DeadLetterError } from '#transport';
import type { Observation } from '../core/input.js';

/** The data of an event that a person's request made. Errors: {@link DeadLetterError} `invalid_event`, naming the field. */
const checked = <S extends TSchema>(event: CloudEvent, schema: S): Static<S> => {
  const { data } = event;
  const fault = Value.Errors(schema, data).First();
  if (fault === undefined) return data;
  throw new DeadLetterError(
    'invalid_event',
    `${event.type} ${event.id}: data${fault.path.replaceAll('/', '.')}: ${fault.message}; came ${fault.value === undefined ? 'nothing' : JSON.stringify(fault.value).slice(0, 80)}`,
  );
};

type Read<T extends Observation['type']> = Omit<Extract<Observation, { type: T }>, 'id'>;

export const readResolution = (event: CloudEvent): Read<'resolution'> => {
  const { session_id: _, version: _version, parameters, ...given } = checked(event, ResolutionData);
  if (parameters !== undefined && given.digest === undefined)
    throw new DeadLetterError(
      'invalid_event',
      `${event.type} ${event.id}: data.digest: expected the digest of the tool and the new parameters; came nothing`,
    );
  return {
    type: 'resolution',
    ...given,
    ...(parameters === undefined ? {} : { parameters: parameters as JsonObject }),
  };
};

export const readApproval = (event: CloudEvent): Read<'approval'> => {
  const { session_id: _, version: _version, ...given } = checked(event, ApprovalData);
  return { type: 'approval', ...given };
};
