import type { Socket } from 'node:net';
import type { Reply } from '../link/link.js';
import { onLines, sendLine, type Request, type Response } from './wire.js';

type Asked = Request extends infer R ? (R extends unknown ? Omit<R, 'id'> : never) : never;

interface Waiting {
  readonly resolve: (response: Response) => void;
  readonly reject: (error: Error) => void;
}

/** A step that the hub could not run: a retry would not help. */
export class StepFailed extends Error {}

/** One connection to a hub. */
export class HubClient {
  private readonly waiting = new Map<number, Waiting>();
  private lastId = 0;
  isOpen = true;

  constructor(
    private readonly socket: Socket,
    onEntries: (to: number, key: string, entries: readonly (readonly [id: string, text: string])[]) => void,
    onClosed: () => void,
  ) {
    socket.unref();
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isOpen = false;
      for (const { reject } of this.waiting.values()) reject(new Error('the connection to the hub broke'));
      this.waiting.clear();
      onClosed();
    });
    onLines<Response>(socket, (response) => {
      if ('to' in response) return onEntries(response.to, response.key, response.entries);
      const asked = this.waiting.get(response.id);
      this.waiting.delete(response.id);
      asked?.resolve(response);
    });
  }

  async ask(request: Asked): Promise<Reply> {
    const response = await this.send(request);
    if ('reply' in response) return response.reply;
    throw new StepFailed('failed' in response ? response.failed : 'the hub does not know it');
  }

  /** By the digest of the script, or by its full text if the hub does not know it. */
  async run(run: string, lua: string, keys: string[], args: string[]): Promise<Reply> {
    const response = await this.send({ run, keys, args });
    if ('unknown' in response) return this.ask({ run, lua, keys, args });
    if ('reply' in response) return response.reply;
    throw new StepFailed('failed' in response ? response.failed : 'it was not answered');
  }

  destroy(): void {
    this.socket.destroy();
  }

  private send(request: Asked): Promise<Response> {
    if (!this.isOpen) return Promise.reject(new Error('the connection to the hub broke'));
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      sendLine(this.socket, { ...request, id });
    });
  }
}
