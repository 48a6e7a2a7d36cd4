import { ApiError } from '@stream-sessions/core/spi';

export {
  ApiError,
  invalidBody,
  invalidQuery,
  keepPrivate,
  notFound,
  sendError,
  sendJson,
} from '@stream-sessions/core/spi';

const UNREACHABLE: readonly unknown[] = ['ERR_CLUSTER_ALONE', 'ERR_CLUSTER_LINK'];

/** 503 if the nodes of a cluster cannot be asked at the moment. */
export function unreachable(error: unknown): ApiError | undefined {
  if (!UNREACHABLE.includes((error as { code?: unknown } | undefined)?.code)) return undefined;
  return new ApiError(503, 'CLUSTER_UNREACHABLE', 'The cluster cannot be reached now. Try again.', {
    'Retry-After': '1',
  });
}
