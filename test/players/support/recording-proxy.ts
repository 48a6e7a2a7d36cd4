import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that went through, and what came back. */
export interface Recorded {
  readonly method: string;
  readonly url: string;
  readonly userAgent: string;
  readonly at: number;
  status: number;
  /** Body bytes that the HTTP parser took out of the response. */
  bytes: number;
  /** The whole response arrived. False while it is under way, and for one that was cut. */
  complete: boolean;
}

export interface RecordingProxy {
  readonly url: string;
  readonly requests: readonly Recorded[];
  /** Requests that have not come to an end yet. */
  inFlight(): number;
  stop(): Promise<void>;
}

/**
 * Passes everything on to the origin and counts what comes back. A response is read to its end even if its client has left,
 * as a cache does, so that "complete" is a fact about the origin alone.
 */
export async function startRecordingProxy(origin: string): Promise<RecordingProxy> {
  const { hostname, port } = new URL(origin);
  const agent = new Agent({ keepAlive: true });
  const requests: Recorded[] = [];
  let inFlight = 0;

  function pass(req: IncomingMessage, res: ServerResponse): void {
    const { method = '', url = '', headers } = req;
    const record: Recorded = {
      method,
      url,
      userAgent: headers['user-agent'] ?? '',
      at: Date.now(),
      status: 0,
      bytes: 0,
      complete: false,
    };
    requests.push(record);
    inFlight += 1;
    const upstream = request({ hostname, port, method, path: url, headers, agent }, (answer) => {
      record.status = answer.statusCode ?? 0;
      res.writeHead(record.status, answer.headers);
      answer.on('data', (chunk: Buffer) => {
        record.bytes += chunk.length;
        if (!res.destroyed) res.write(chunk);
      });
      answer.once('end', () => {
        record.complete = answer.complete;
        res.end();
      });
      answer.once('close', () => {
        inFlight -= 1;
        if (!answer.complete) res.destroy();
      });
    });
    upstream.once('error', () => {
      if (record.status === 0) inFlight -= 1;
      res.destroy();
    });
    req.pipe(upstream);
  }

  const server = createServer(pass).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    inFlight: () => inFlight,
    stop: async () => {
      agent.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Body bytes of the completed responses among these. */
export const bodyBytes = (requests: readonly Recorded[]): number =>
  requests.filter(({ complete }) => complete).reduce((sum, { bytes }) => sum + bytes, 0);
