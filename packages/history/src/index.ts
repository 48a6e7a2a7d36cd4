export { historyApi, type HistoryApiHandler, type HistoryApiOptions } from './api/history-api.js';
export { openHistory } from './open-history.js';
export type { HistoryOptions, IpLater, RetentionDays } from './options.js';
export type { Erased, History, HistoryStats } from './types/history.js';
export type {
  Broadcast,
  ConcurrencyPoint,
  ConcurrencyQuery,
  Share,
  StreamFigures,
  StreamOrder,
  Summary,
  SummaryQuery,
  TopStreamsQuery,
  Visit,
  VisitFilter,
  VisitPage,
} from './types/query.js';
export type { IpMode } from './types/visit-row.js';
export type { SqlEngine, SqlQuery } from './types/engine.js';
