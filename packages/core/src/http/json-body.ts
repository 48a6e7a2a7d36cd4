import { ApiError, invalidBody } from './api-answer.js';
import type { NodeRequest } from './node-http.js';

/** Longer bodies are refused before they are read. */
const MAX_BODY_BYTES = 65_536;

/**
 * The JSON object in the body, `{}` when there is none. Accepts what `express.json()` or a text parser has already read.
 *
 * @throws ApiError 400, 413, 415
 */
export async function readObject(req: NodeRequest): Promise<Record<string, unknown>> {
  const type = req.headers['content-type'] ?? '';
  // A form on a foreign page can send text, but not this content type without a preflight, whatever parser has read it since.
  if (type === '' ? hasBody(req) : !JSON_TYPE.test(type)) throw notJson();
  const { body } = req as NodeRequest & { body?: unknown };
  if (isParsedBody(body)) return asObject(body);
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body.toString() : await readText(req);
  if (text.trim() === '') return {};
  if (type === '') throw notJson();
  try {
    return asObject(JSON.parse(text));
  } catch (error) {
    throw error instanceof ApiError ? error : invalidBody('The body is not valid JSON.');
  }
}

/** Parsers of Express 4 set an empty object also where they have not read the body: then it is read here, or was empty. */
export const isParsedBody = (body: unknown): body is object =>
  typeof body === 'object' &&
  body !== null &&
  !Buffer.isBuffer(body) &&
  (Array.isArray(body) || Object.keys(body).length > 0);

/** With HTTP/2, whether there is a body may show only once it has arrived. */
const hasBody = ({ headers }: NodeRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

const notJson = (): ApiError =>
  new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send JSON, with Content-Type: application/json.');

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalidBody('The body must be a JSON object.');
}

/**
 * Not with `for await`: leaving it early destroys the request, and the response with it. Nor with `raw-body`: it stops reading a
 * body that is too long, which blocks the connection, and waits for ever for one that has already been read.
 */
function readText(req: NodeRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES ? Infinity : 0;
    if (size > 0) reject(tooLarge());
    req.on('data', (chunk: Buffer | string) => {
      size += chunk.length;
      // read on and discard: an unread body would block the connection
      if (size > MAX_BODY_BYTES) reject(tooLarge());
      else chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    });
    req.on('end', () => resolve(Buffer.concat(chunks).toString()));
    req.on('error', reject);
    // Nobody waits for a response any more; or the body was read before, and this is all there is.
    req.on('close', () => resolve(Buffer.concat(chunks).toString()));
    if (req.readableEnded) resolve('');
  });
}

// Closes the connection, so that nobody has to receive the rest.
const tooLarge = (): ApiError =>
  new ApiError(413, 'BODY_TOO_LARGE', `A body has at most ${MAX_BODY_BYTES} bytes.`, { Connection: 'close' });
