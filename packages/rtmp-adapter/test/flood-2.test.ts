import context from 'node-media-server-2/src/node_core_ctx.js';
import { floodSuite } from './support/flood-suite.js';
import { startServer2 } from './support/server-2.js';

floodSuite('node-media-server 2', { start: startServer2, sessions: context.sessions, takesFlv: false });
