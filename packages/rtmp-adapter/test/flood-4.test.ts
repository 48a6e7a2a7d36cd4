import context from 'node-media-server/src/core/context.js';
import { floodSuite } from './support/flood-suite.js';
import { startServer4 } from './support/server-4.js';

floodSuite('node-media-server 4', { start: startServer4, sessions: context.sessions, takesFlv: true });
