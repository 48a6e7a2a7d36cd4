import { createReadStream, existsSync, statSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  streamCode,
  tokenFromQuery,
  type Admission,
  type PendingAdmission,
  type RequestHandle,
  type SessionTracker,
} from '../../src/index.js';
import { denialStatus } from '../../src/spi.js';
import type { HttpHarness } from '../../src/testing/index.js';

/** What an adapter for an HTTP framework can get wrong: the contract has to notice each of them. */
export type HttpFlaw =
  | 'serves before it is let in'
  | 'never cancels'
  | 'never cuts'
  | 'never credits'
  | 'credits what the file has'
  | 'ends the request at once'
  | 'loses the token'
  | 'believes any header'
  | 'answers 403 to everything'
  | 'counts a HEAD';

type Asked = Admission<RequestHandle> | PendingAdmission<RequestHandle>;

const TOUCH_EVERY_MS = 500;

/** The least adapter there can be: one handler that serves a folder. With a flaw, as a bad one would. */
export const tinyHttp = (flaw?: HttpFlaw): HttpHarness => ({
  name: 'a tiny HTTP server',
  start: async (tracker, folder) => {
    const server = http.createServer((req, res) => handle(tracker, folder, req, res, flaw));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      stop: () => {
        server.closeAllConnections();
        server.close();
      },
    };
  },
});

function handle(tracker: SessionTracker, folder: string, req: IncomingMessage, res: ServerResponse, flaw?: HttpFlaw) {
  const { pathname, search } = new URL(req.url ?? '', 'http://localhost');
  const file = join(folder, pathname);
  const size = existsSync(file) ? statSync(file).size : undefined;
  if (req.method === 'HEAD' && flaw !== 'counts a HEAD') return void res.end();
  const forwarded = flaw === 'believes any header' ? req.headers['x-forwarded-for'] : undefined;
  const asked: Asked = tracker.admit({
    stream: streamCode(pathname.slice(0, pathname.lastIndexOf('/'))) ?? '',
    protocol: 'hls',
    ip: String(forwarded ?? req.socket.remoteAddress),
    userAgent: req.headers['user-agent'],
    token: flaw === 'loses the token' ? undefined : tokenFromQuery(search),
  });
  const serve = (request?: RequestHandle): void => {
    const body = flaw === 'counts a HEAD' && req.method === 'HEAD' ? request?.touch(size) : undefined;
    if (size === undefined) {
      res.writeHead(404).end(body);
      return request?.end();
    }
    send(file, size, req, res, request, flaw);
  };
  if (flaw === 'serves before it is let in') serve();
  const settle = (admission: Awaited<typeof asked>): void => {
    if (res.headersSent) return;
    if (admission.admitted) return res.closed ? admission.handle.end() : serve(admission.handle);
    res.writeHead(flaw === 'answers 403 to everything' ? 403 : denialStatus(admission.denial)).end('refused');
  };
  if (!('then' in asked)) return settle(asked);
  if (flaw !== 'never cancels') res.once('close', () => asked.cancel());
  asked.then(settle, () => res.destroy());
}

function send(
  file: string,
  size: number,
  req: IncomingMessage,
  res: ServerResponse,
  request: RequestHandle | undefined,
  flaw?: HttpFlaw,
): void {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? '') ?? [];
  const part = first === undefined ? {} : { start: Number(first), end: Number(last) };
  let unreported = flaw === 'credits what the file has' ? size : 0;
  const taken = (): number => {
    const bytes = flaw === 'never credits' ? 0 : unreported;
    unreported = 0;
    return bytes;
  };
  if (flaw === 'ends the request at once') request?.end();
  const timer = setInterval(() => request?.touch(taken()), TOUCH_EVERY_MS);
  const body = createReadStream(file, part);
  res.writeHead(first === undefined ? 200 : 206);
  body.on('data', (chunk) => {
    if (flaw !== 'credits what the file has') unreported += chunk.length;
  });
  body.pipe(res);
  res.once('close', () => {
    clearInterval(timer);
    body.destroy();
    request?.end(taken());
  });
  if (flaw === 'never cuts') return;
  request?.onCut(() => {
    res.destroy();
    return taken();
  });
}
