export { checkAccess, unauthorized, type Action, type Authorize } from '@stream-sessions/core/spi';
