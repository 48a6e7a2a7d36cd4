import { postgresEngine } from '@stream-sessions/history/postgres';
import { historyContract } from '@stream-sessions/history/testing';
import { type PostgresServer, startPostgres } from './support/postgres.js';

let server: PostgresServer | undefined;

historyContract({
  name: 'PostgreSQL, whose clocks change twice a year,',
  start: async () => {
    // on these days, an hour is missing and another one comes twice
    server = await startPostgres(['timezone=Europe/Berlin']);
    return postgresEngine({ url: server.url });
  },
  stop: () => server?.stop(),
});
