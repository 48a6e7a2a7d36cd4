import type { IncomingMessage } from 'node:http';

const MAX_BYTES = 4_096;

/** What a page sends. */
export interface Said {
  readonly sid?: string;
  readonly key?: string;
}

const FIELDS = ['sid', 'key'] as const;

/** Parses the body as JSON, whatever its type: `sendBeacon` sends text. Undefined: it is invalid or too long. */
export async function readBody(req: IncomingMessage & { body?: unknown }): Promise<Said | undefined> {
  // a body parser has already run
  if (typeof req.body === 'object' && req.body !== null && !Buffer.isBuffer(req.body)) return fieldsOf(req.body);
  const text = typeof req.body === 'string' ? req.body : await collect(req);
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
  });
}
