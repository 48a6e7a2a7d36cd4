import type { RequestHandler } from 'express';
import type { SessionTracker } from '@stream-sessions/core';
import { localOnly } from '@stream-sessions/express-middleware';
import { historyApi, openHistory } from '@stream-sessions/history';

/** Who watched, kept for good. */
export interface KeptViewers {
  /** For callers on this machine. */
  readonly api: RequestHandler;
  /** It takes a second or two until PGlite runs. Rejects when it cannot. */
  readonly ready: Promise<unknown>;
  stop(): Promise<void>;
}

/** HISTORY: keeps visits in the folder `history` (`HISTORY=1`), in another one, or in a PostgreSQL (`postgres://…`). */
export function keepHistory(tracker: SessionTracker): KeptViewers {
  const { HISTORY } = process.env;
  if (!HISTORY) return { api: (_req, _res, next) => next(), ready: Promise.resolve(), stop: () => Promise.resolve() };
  const isUrl = /^postgres(?:ql)?:/.test(HISTORY);
  const opened = openHistory(isUrl ? { url: HISTORY } : { dataDir: HISTORY === '1' ? 'history' : HISTORY });
  const ready = opened.then((history) => {
    history.attach(tracker);
    return historyApi(history, { authorize: localOnly });
  });
  return {
    api: (req, res, next) => void ready.then((answer) => answer(req, res, next), next),
    ready,
    // it was never there: nothing has to be ended
    stop: () => opened.then((history) => history.stop()).catch(() => undefined),
  };
}
