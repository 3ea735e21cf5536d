import { messageSuite } from './message-suite.js';

messageSuite(() => Promise.resolve({}));
