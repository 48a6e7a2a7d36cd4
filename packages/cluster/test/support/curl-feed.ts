import { spawn, type ChildProcess } from 'node:child_process';
import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { sessionsApi } from '@stream-sessions/express-middleware';
import { until } from '../../../../test/support/until.js';
import type { Node } from './nodes.js';

export interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: any;
}

const children = new Set<ChildProcess>();
const servers = new Set<http.Server>();

/** The REST API of a node. */
export async function serveApi({ directory }: Node): Promise<string> {
  const server = http.createServer(sessionsApi(directory, { authorize: () => true }));
  servers.add(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** `curl -N` on the feed of a node. */
export class CurlFeed {
  readonly messages: Message[] = [];
  private rest = '';

  constructor(url: string, ...args: string[]) {
    const child = spawn('curl', ['-sN', ...args, `${url}/events`], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.add(child);
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.read(text));
  }

  of(event: string): Message[] {
    return this.messages.filter((message) => message.event === event);
  }

  async until(event: string, count = 1): Promise<Message> {
    await until(`${count} ${event}`, () => this.of(event).length >= count);
    return this.of(event)[count - 1] as Message;
  }

  private read(text: string): void {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop() as string;
    for (const block of blocks) {
      const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
      const [id, event, data] = [field('id'), field('event'), field('data')];
      if (data !== '') this.messages.push({ id, event, data: JSON.parse(data) });
    }
  }
}

export async function endFeeds(): Promise<void> {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  servers.clear();
}
