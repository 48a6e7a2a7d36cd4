import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A web service that says who may watch. What it answers can be changed while it runs. */
export interface Authoriser {
  readonly url: string;
  readonly questions: { body: string; headers: IncomingMessage['headers'] }[];
  answer: (res: ServerResponse, body: string, nth: number) => void;
  /** Like a machine that is switched off: connections are refused. */
  goDown(): Promise<void>;
  comeBack(): Promise<void>;
}

export const say =
  (status: number, body: unknown = '') =>
  (res: ServerResponse): void =>
    void res.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));

export async function startAuthoriser(): Promise<Authoriser> {
  const questions: Authoriser['questions'] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      questions.push({ body, headers: req.headers });
      authoriser.answer(res, body, questions.length);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const authoriser: Authoriser = {
    url: `http://127.0.0.1:${port}/auth?key=1`,
    questions,
    answer: say(200, { allow: true }),
    async goDown() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
    async comeBack() {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
  };
  return authoriser;
}
