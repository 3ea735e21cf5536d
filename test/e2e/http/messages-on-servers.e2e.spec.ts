import { SERVER_START_MS } from '#testing/servers';
import { freshNames, sharedServers } from '../on-servers.js';
import { messageSuite } from './message-suite.js';

/** On Kafka and Redis. */
messageSuite(async () => ({ ...(await sharedServers()), ...freshNames() }), SERVER_START_MS);
