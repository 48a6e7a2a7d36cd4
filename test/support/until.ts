/** How tests wait. */
export { pace, stays, until } from '@stream-sessions/core/testing';
