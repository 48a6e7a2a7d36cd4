import { fork } from 'node:child_process';
import { watchHeld } from '@stream-sessions/core/testing';

/** What each of many connections does. Texts are Latin-1. */
export interface Flood {
  readonly port: number;
  readonly connections: number;
  /** Said one after the other, each when the one before it was answered. */
  readonly opening?: readonly string[];
  /** Then this is said again and again, until so many bytes have been sent, or the server hangs up. */
  readonly again: string;
  readonly bytes: number;
  /** Takes nothing any more once it has begun. */
  readonly isDeaf?: boolean;
}

/** How it went. */
export interface Flooded {
  /** Bytes that left the connections, all together. */
  readonly sent: number;
  /** Connections that the server has ended. */
  readonly cut: number;
  /** How much more memory this process, which has the server in it, held at the most. Bytes. */
  readonly grownBy: number;
}

/** In a process of its own, so that what this one takes is the server's. */
const CLIENTS = `
  const { connect } = require('node:net');
  process.once('message', ({ port, connections, opening = [], again, bytes, isDeaf }) => {
    let [sent, cut, done] = [0, 0, 0];
    const chunk = Buffer.from(again.repeat(Math.max(1, Math.floor(65536 / again.length))), 'latin1');
    for (let i = 0; i < connections; i++) {
      const socket = connect(port, '127.0.0.1');
      const lines = opening.map((line) => line.replaceAll('#', String(i)));
      let [said, own, over] = ['', 0, false];
      const end = (wasCut) => { if (!over) { over = true; done++; cut += wasCut; sent += own; tell(); } };
      // not at 'drain': newer versions of Node buffer the last chunk without asking for a pause
      const written = () => { if (own >= bytes && socket.writableLength === 0) end(false); };
      const flood = () => {
        if (isDeaf) socket.pause();
        while (own < bytes && !over) { own += chunk.length; if (!socket.write(chunk, written)) break; }
      };
      const next = () => {
        const line = lines.shift();
        if (line === undefined) { socket.on('drain', flood); flood(); } else socket.write(Buffer.from(line, 'latin1'));
      };
      let wanted = lines.length;
      socket.on('connect', next);
      socket.on('data', (data) => {
        if (wanted === 0) return;
        said += data.toString('latin1');
        const at = said.indexOf('\\r\\n\\r\\n');
        if (at < 0) return;
        const length = Number(/content-length: (\\d+)/i.exec(said.slice(0, at))?.[1] ?? 0);
        if (said.length < at + 4 + length) return;
        said = '';
        wanted--;
        next();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => end(true));
    }
    const tell = () => { if (done === connections) process.send({ sent, cut, isOver: true }); };
    setInterval(() => process.send({ sent, cut, isOver: false }), 50);
  });
`;

/** Floods the server with it; `over` is asked too, and may end it before all was sent. */
export function flood(what: Flood, isEnough: () => boolean = () => false): Promise<Flooded> {
  const held = watchHeld();
  const clients = fork('-e', [CLIENTS], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  clients.send(what);
  return new Promise((resolve, reject) => {
    clients.once('error', reject);
    clients.on('message', ({ sent, cut, isOver }: { sent: number; cut: number; isOver: boolean }) => {
      if (!isOver && !isEnough()) return;
      clients.kill('SIGKILL');
      resolve({ sent, cut, grownBy: held() });
    });
  });
}
