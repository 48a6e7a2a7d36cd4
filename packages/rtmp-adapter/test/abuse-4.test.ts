import context from 'node-media-server/src/core/context.js';
import { abuseSuite } from './support/abuse-suite.js';
import { startServer4 } from './support/server-4.js';

abuseSuite({ start: startServer4, sessions: context.sessions, codec: 7, silent: 10_000, noStreams: ['/a.flv'] });
