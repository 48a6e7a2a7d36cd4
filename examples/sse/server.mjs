/** A hub for Server-Sent Events whose sessions survive a restart. See README.md for what to type. */
import { createServer } from 'node:http';
import { createTracker } from '@stream-sessions/core';
import { createManager } from '@stream-sessions/session-store';
import { connectRedis } from '@stream-sessions/session-store/redis';
import { createHub } from './hub.mjs';

const { PORT, REDIS_URL } = process.env;
const port = Number(PORT || 8080);
if (!(port >= 0 && port < 65_536)) throw new RangeError(`PORT=${PORT} is not a port. Try 8080.`);

const tracker = createTracker();
tracker.on('opened', ({ session: s }) => console.log(`+ ${s.userName} listens to ${s.stream} over ${s.protocol}`));
tracker.on('closed', ({ session: s, reason }) => console.log(`- ${s.userName} left ${s.stream}: ${reason}`));

const storage = REDIS_URL ? await connectRedis(configOf(new URL(REDIS_URL))) : undefined;
const hub = createHub({ manager: createManager({ type: 'sse', ttlMs: 600_000, storage }), tracker });
const server = createServer(hub.handle).listen(port, '127.0.0.1', () => {
  console.log(
    `http://127.0.0.1:${server.address().port}/events?channel=news, sessions in ${storage ? 'Redis' : 'memory'}`,
  );
});
async function end() {
  server.close();
  await hub.stop();
  await tracker.stop();
  process.exit();
}
process.once('SIGINT', end).once('SIGTERM', end);

/** `redis://user:password@host:port/db`, or `rediss://` for TLS. */
function configOf({ hostname, port, username, password, pathname, protocol }) {
  const secret = password && { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  const tls = protocol === 'rediss:' && { tls: {} };
  const limits = { readTimeoutMs: 1_000, writeTimeoutMs: 1_000 };
  const addr = `${hostname}:${port || 6379}`;
  return { addr, db: Number(pathname.slice(1)), keyPrefix: 'sse:session:', ...limits, ...secret, ...tls };
}
