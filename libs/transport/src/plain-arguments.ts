import { ROUTE_ARGS_METADATA } from '@nestjs/common/internal';

/**
 * For a controller whose event handlers take the event and the {@link Delivery}, in this order: they are handed both as they
 * are. Without it Nest asks for the pipes of each parameter and awaits each, at every event, which costs more than the rest of
 * its way to a handler. Guards, interceptors and filters work as ever; pipes of parameters are left out.
 */
export const PlainArguments = (): ClassDecorator => (controller) => {
  for (const method of Object.getOwnPropertyNames(controller.prototype))
    if (method !== 'constructor') Reflect.defineMetadata(ROUTE_ARGS_METADATA, {}, controller, method);
};
