export { readObject } from '@stream-sessions/core/spi';
