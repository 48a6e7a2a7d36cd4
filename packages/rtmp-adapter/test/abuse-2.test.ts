import context from 'node-media-server-2/src/node_core_ctx.js';
import { abuseSuite } from './support/abuse-suite.js';
import { startServer2 } from './support/server-2.js';

abuseSuite({ start: startServer2, sessions: context.sessions, codec: 2, silent: 1_000 });
