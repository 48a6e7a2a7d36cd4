/** A hub for Server-Sent Events: clients listen to a channel, anybody publishes to it. */

const CHANNEL = /^[\w-]{1,64}$/;
const LONGEST_BODY = 65_536;

/**
 * @param manager of `createManager({ type: 'sse' })`
 * @param tracker lists the clients as protocol `sse`, and says who may; left out: nobody is listed, and everybody may
 * @returns a handler for Node's `http`, and `stop()`
 */
export function createHub({ manager, tracker, touchEveryMs = 60_000 }) {
  /** What is connected to this node, by channel. */
  const listeners = new Map();
  // who listens is there, and asks for nothing: the sessions are kept alive here
  const timer = setInterval(() => {
    for (const sessions of listeners.values()) for (const { id } of sessions) manager.touch(id).catch(() => undefined);
  }, touchEveryMs).unref();

  async function listen(req, res, url) {
    const channel = url.searchParams.get('channel') ?? '';
    const id = url.searchParams.get('session');
    if (!CHANNEL.test(channel)) return end(res, 400, 'channel=name is needed');
    const known = id === null ? undefined : await manager.getOrThrow(id);
    if (known !== undefined && known.getMetadataValue('channel') !== channel) return end(res, 404, 'no such session');
    const handle = await admit(req, channel);
    const bytesBefore = req.socket.bytesWritten;
    if (handle === null) return end(res, 403, 'refused');
    const session = known ?? (await open(channel));
    if (res.destroyed) return handle?.close();
    session.attach(res);
    join(channel, session);
    handle?.onCut(() => session.disconnect());
    res.once('close', () => {
      if (!session.isConnected) leave(channel, session);
      handle?.close('client_gone', req.socket.bytesWritten - bytesBefore);
    });
    // what the client brings along when it comes back, after a restart too
    session.sendMessage(session.id, { event: 'session' });
  }

  async function open(channel) {
    const session = await manager.create();
    session.setMetadata('channel', channel);
    await manager.update(session);
    return session;
  }

  async function admit(req, channel) {
    if (tracker === undefined) return undefined;
    const { remoteAddress, remotePort } = req.socket;
    const hit = { stream: channel, protocol: 'sse', remoteAddress: `${remoteAddress}:${remotePort}` };
    const { admitted, handle } = await tracker.admit({ ...hit, userAgent: req.headers['user-agent'] });
    return admitted ? handle : null;
  }

  function join(channel, session) {
    const sessions = listeners.get(channel) ?? new Set();
    listeners.set(channel, sessions.add(session));
  }

  function leave(channel, session) {
    const sessions = listeners.get(channel);
    if (sessions?.delete(session) && sessions.size === 0) listeners.delete(channel);
  }

  async function publish(req, res, url) {
    let text = '';
    for await (const part of req.setEncoding('utf8')) {
      text += part;
      if (text.length > LONGEST_BODY) return end(res, 413, 'too long');
    }
    let sent = 0;
    for (const session of listeners.get(url.searchParams.get('channel')) ?? []) {
      try {
        session.sendMessage(text);
        sent++;
      } catch {
        // too slow, or just gone: session.dropped counts it
      }
    }
    end(res, 200, String(sent));
  }

  const routes = { 'GET /events': listen, 'POST /publish': publish };
  return {
    handle(req, res) {
      const url = new URL(req.url, 'http://localhost');
      const route = routes[`${req.method} ${url.pathname}`];
      if (route === undefined) return end(res, 404, 'GET /events?channel=…, POST /publish?channel=…');
      // 404 for an unknown session, 503 while the store is away
      route(req, res, url).catch((error) => end(res, error.status ?? 500, error.status ? error.message : 'failed'));
    },
    stop() {
      clearInterval(timer);
      return manager.stop();
    },
  };
}

function end(res, status, text) {
  if (res.headersSent) return void res.destroy();
  res.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
