import { type PlaybackRequest, routed } from '../connect.js';
import { ApiError, invalidBody } from './answer.js';

/** Longer bodies are refused before they are read. */
const MAX_BODY_BYTES = 65_536;

/**
 * The JSON object in the body, `{}` when there is none. Takes what `express.json()` has read already.
 *
 * @throws ApiError 400, 413, 415
 */
export async function readObject(req: PlaybackRequest): Promise<Record<string, unknown>> {
  const parsed = routed(req).body;
  if (parsed !== undefined && parsed !== null) return asObject(parsed);
  const text = await readText(req);
  if (text.trim() === '') return {};
  // A form of a foreign page can send text, but not this type without being asked first.
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(req.headers['content-type'] ?? '')) {
    throw new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send JSON, with Content-Type: application/json.');
  }
  try {
    return asObject(JSON.parse(text));
  } catch (error) {
    throw error instanceof ApiError ? error : invalidBody('The body is not valid JSON.');
  }
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalidBody('The body must be a JSON object.');
}

async function readText(req: PlaybackRequest): Promise<string> {
  if (Number(req.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}

// The rest of the body stays unread, so the connection cannot go on.
const tooLarge = (): ApiError =>
  new ApiError(413, 'BODY_TOO_LARGE', `A body has at most ${MAX_BODY_BYTES} bytes.`, { Connection: 'close' });
