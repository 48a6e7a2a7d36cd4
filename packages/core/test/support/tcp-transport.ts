import { createServer, type Server, type Socket } from 'node:net';

/** A client of the tiny streaming server: what its first line asked for. */
export interface TinyClient {
  readonly socket: Socket;
  readonly wants: 'PLAY' | 'PUBLISH';
  readonly stream: string;
  readonly token: string | undefined;
  readonly userAgent: string | undefined;
}

/** Decides about a client: `accept` starts the media. Without a gatekeeper everybody is accepted. */
export type Gatekeeper = (client: TinyClient, accept: () => void, refuse: (why: string) => void) => void;

const MEDIA = Buffer.alloc(1_024, 'm');
const EVERY_MS = 5;

/**
 * The smallest streaming server there is: one line in (`PLAY cam1 token agent`), `OK` or `NO why` back, then a
 * kilobyte of media every few milliseconds. It stands for the libraries that real adapters hook into.
 */
export class TinyServer {
  gatekeeper: Gatekeeper | undefined;
  readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer((socket) => this.greet(socket));

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', () => resolve((this.server.address() as { port: number }).port));
    });
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private greet(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.once('data', (line) => {
      const [wants, stream = '', token, userAgent] = line.toString().split('\n', 1)[0]?.split(' ') ?? [];
      if (wants !== 'PLAY' && wants !== 'PUBLISH') return socket.destroy();
      const client: TinyClient = {
        socket,
        wants,
        stream,
        token: token || undefined,
        userAgent: userAgent || undefined,
      };
      const accept = (): void => {
        if (socket.destroyed) return;
        socket.write('OK\n');
        if (wants === 'PLAY') this.stream(socket);
      };
      if (this.gatekeeper === undefined) return accept();
      this.gatekeeper(client, accept, (why) => socket.end(`NO ${why}\n`));
      return undefined;
    });
  }

  private stream(socket: Socket): void {
    const timer = setInterval(() => socket.write(MEDIA), EVERY_MS);
    socket.on('close', () => clearInterval(timer));
  }
}
