/** The PostgreSQL that tests of history start, with the memory that one in earnest has. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
// Node 20 cannot read TypeScript by itself: the same way as for the configuration of Jest
require('ts-node').register({ swc: true, skipProject: true, experimentalResolver: true });
const server = require('../packages/history/test/support/postgres.ts');

export const startPostgres = () => server.startPostgres(['shared_buffers=256MB', 'max_wal_size=2GB']);
