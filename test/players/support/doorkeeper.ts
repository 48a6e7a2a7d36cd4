import type { Policy } from '@stream-sessions/core';
import { pace } from '../../support/until.js';

const no = { allow: false, reason: 'unauthorized', kind: 'credentials', detail: 'no such token' } as const;

/** Lets everybody in but two tokens: `never` is refused at once, `later` after a moment. */
export const doorkeeper: Policy = {
  name: 'doorkeeper',
  admit: ({ token }) => {
    if (token === 'never') return no;
    if (token === 'later') return pace(200).then(() => no);
    return { allow: true };
  },
};
