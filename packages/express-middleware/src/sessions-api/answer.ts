export {
  ApiError,
  invalidBody,
  invalidQuery,
  keepPrivate,
  notFound,
  sendError,
  sendJson,
} from '@stream-sessions/core/spi';
