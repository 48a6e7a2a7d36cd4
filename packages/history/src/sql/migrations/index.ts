import { visits } from './0001-visits.sql.js';
import { rollups } from './0002-rollups.sql.js';
import { broadcasts } from './0003-broadcasts.sql.js';
import { slimMinutes } from './0004-slim-minutes.sql.js';
import { visitCounts } from './0005-visit-counts.sql.js';
import { quickLists } from './0006-quick-lists.sql.js';

/** Run in this order, each once. These have been run in production: append, but never change them. */
export const MIGRATIONS: readonly string[] = [visits, rollups, broadcasts, slimMinutes, visitCounts, quickLists];
