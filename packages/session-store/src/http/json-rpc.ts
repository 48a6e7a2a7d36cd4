import type { HeaderResponse } from './messages.js';

/** The id of a parsed JSON-RPC request, if it has one. */
export function rpcIdOf(body: unknown): string | number | undefined {
  const id = (body as { id?: unknown } | null | undefined)?.id;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

/** The request that begins a session in MCP. */
export const isInitialize = (body: unknown): boolean =>
  (body as { method?: unknown } | null | undefined)?.method === 'initialize';

/** Answers with a JSON-RPC error. Without an id, the response has no `id` either, as in ToolHive. */
export function answerError(res: HeaderResponse, status: number, code: number, message: string, body: unknown): void {
  const id = rpcIdOf(body);
  const text = JSON.stringify({ jsonrpc: '2.0', error: { code, message }, ...(id !== undefined && { id }) });
  res.statusCode = status;
  res.setHeader('Content-Type', 'application/json');
  res.setHeader('Cache-Control', 'no-store');
  res.end(text);
}
