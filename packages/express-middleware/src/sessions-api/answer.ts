export {
  ApiError,
  invalidBody,
  invalidQuery,
  keepPrivate,
  notFound,
  sendError,
  sendJson,
  unreachable,
} from '@stream-sessions/core/spi';
