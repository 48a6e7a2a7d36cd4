import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const HLS = require.resolve('hls.js/dist/hls.min.js', {
  paths: [`${__dirname}/../../../examples/live-origin/package.json`],
});

/** A request, and where it was answered how. */
export interface Balanced {
  readonly url: string;
  readonly userAgent: string;
  /** The index of the origin. */
  readonly to: number;
  /** When the answer began, in epoch milliseconds. */
  readonly at: number;
  readonly status: number;
}

/** Asks another origin each time; the page of a player is its own. */
export interface Balancer {
  readonly url: string;
  readonly asked: readonly Balanced[];
  stop(): void;
}

/** @param choose the index of the origin for a request, by its number among those with the same player */
export async function startBalancer(
  ports: readonly number[],
  choose: (n: number) => number,
  page: string,
): Promise<Balancer> {
  const asked: Balanced[] = [];
  const counts = new Map<string, number>();
  const pass = (req: IncomingMessage, res: ServerResponse): void => {
    const { url = '', method, headers } = req;
    const { 'user-agent': userAgent = '' } = headers;
    const n = counts.get(userAgent) ?? 0;
    counts.set(userAgent, n + 1);
    const to = choose(n);
    const onwards = { ...headers, 'x-forwarded-for': req.socket.remoteAddress };
    const passed = request({ host: '127.0.0.1', port: ports[to], path: url, method, headers: onwards }, (answer) => {
      const status = answer.statusCode ?? 0;
      asked.push({ url, userAgent, to, at: Date.now(), status });
      res.writeHead(status, answer.headers);
      answer.pipe(res);
      answer.once('close', () => void (answer.complete || res.destroy()));
    });
    passed.once('error', () => res.destroy());
    res.once('close', () => passed.destroy());
    req.pipe(passed);
  };
  const server = createServer((req, res) => {
    const path = req.url?.split('?')[0];
    if (path === '/page') res.end(page);
    else if (path === '/hls.js') res.end(readFileSync(HLS));
    else pass(req, res);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
