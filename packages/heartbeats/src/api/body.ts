import type { IncomingMessage } from 'node:http';
import { isParsedBody } from '@stream-sessions/core/spi';

const MAX_BYTES = 4_096;

/** What a page sends. */
export interface Said {
  readonly sid?: string;
  readonly key?: string;
}

const FIELDS = ['sid', 'key'] as const;

/** A request that a body parser may have seen. */
type SeenRequest = IncomingMessage & { readonly body?: unknown };

/** Parses the body as JSON, whatever its type: `sendBeacon` sends text. Undefined: it is invalid or too long. */
export async function readBody(req: SeenRequest): Promise<Said | undefined> {
  const { body } = req;
  if (isParsedBody(body)) return fieldsOf(body);
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body.toString() : await collect(req);
  if (text === undefined) return undefined;
  if (text === '') return {};
  try {
    return fieldsOf(JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

function fieldsOf(body: unknown): Said | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const said: Record<string, string> = {};
  for (const name of FIELDS) {
    const value = (body as Record<string, unknown>)[name];
    if (typeof value === 'string' && value !== '' && value.length <= 256) said[name] = value;
  }
  return said;
}

/** Node itself ends a request whose body does not finish (`requestTimeout`). */
function collect(req: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve) => {
    let body: Buffer | undefined;
    req.on('data', (chunk: Buffer) => {
      body = body === undefined ? chunk : Buffer.concat([body, chunk]);
      if (body.length <= MAX_BYTES) return;
      req.removeAllListeners('data').resume();
      resolve(undefined);
    });
    req.on('end', () => resolve(body?.toString('utf8') ?? ''));
    req.on('close', () => resolve(undefined));
    if (req.readableEnded) resolve('');
  });
}
