import { ApiError } from './api-answer.js';
import type { NodeRequest } from './node-http.js';

/** The kind of access: `read` is GET and HEAD, `write` is everything else. */
export type Action = 'read' | 'write';

/** Decides who may use the API. True grants access; anything else refuses it. */
export type Authorize = (req: NodeRequest, action: Action) => boolean | Promise<boolean>;

/**
 * Checks whether a caller may use an API.
 *
 * @throws ApiError 403 if `authorize` refuses the caller (401 or 403 when `authorize` throws an error with that `status`). Any
 *   other error of `authorize` is rethrown: a caller who cannot be checked is not let in.
 */
export async function checkAccess(req: NodeRequest, action: Action, authorize: Authorize): Promise<void> {
  let allowed: unknown;
  try {
    allowed = await authorize(req, action);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    const status = statusOf(error);
    if (status === 401) throw unauthorized('Authentication required.');
    if (status === 403) throw forbidden();
    throw error;
  }
  if (allowed !== true) throw forbidden();
}

const forbidden = (): ApiError => new ApiError(403, 'FORBIDDEN', 'You are not allowed to do this.');

/** 401: the caller has to authenticate. */
export const unauthorized = (message: string): ApiError =>
  new ApiError(401, 'UNAUTHORIZED', message, { 'WWW-Authenticate': 'Bearer' });

/** As errors of `http-errors` and similar libraries carry it. */
function statusOf(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return undefined;
  const { status, statusCode } = error as { status?: unknown; statusCode?: unknown };
  return status ?? statusCode;
}
