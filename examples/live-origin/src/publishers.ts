import type { Policy } from '@stream-sessions/core';
import { isHere } from './address.js';

/** Everybody may watch; only this machine may publish, whoever can reach it. */
export const publishers: Policy = {
  name: 'publishers',
  admit: ({ kind, ip }) =>
    kind !== 'input' || isHere(ip)
      ? { allow: true }
      : { allow: false, reason: 'unauthorized', detail: 'this server has its channel' },
};
