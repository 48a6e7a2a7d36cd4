import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../../../../test/support/until.js';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly json: any;
}

export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** What it answers; 204 by default. */
  answer: (res: ServerResponse, received: Received) => void;
  until(count: number): Promise<void>;
  types(): string[];
}

const open: (() => Promise<unknown>)[] = [];

/** A server that takes webhooks. */
export async function receiver(): Promise<Receiver> {
  const self: Receiver = {
    url: '',
    received: [],
    answer: (res) => res.writeHead(204).end(),
    until: async (count) => void (await until(`${count} webhooks`, () => self.received.length >= count)),
    types: () => self.received.map(({ json }) => json.type),
  };
  const server = createServer((req, res) => {
    let body = '';
    req.setEncoding('utf8').on('data', (part: string) => (body += part));
    req.on('end', () => {
      const isJson = req.headers['content-type'] === 'application/json';
      const received = { headers: req.headers, body, json: isJson ? JSON.parse(body) : undefined };
      self.received.push(received);
      self.answer(res, received);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return Object.assign(self, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` });
}

/** For `afterEach`. */
export const closeReceivers = async (): Promise<void> => {
  await Promise.all(open.splice(0).map((close) => close()));
};
