import type { DenialRow, VisitRow } from '../types/visit-row.js';
import { DENIAL_COLUMNS } from '../sql/upsert-denials.sql.js';
import { VISIT_COLUMNS } from '../sql/upsert-visits.sql.js';
import { plain } from './rows.js';

/** No protocol has it in its name. */
const SEPARATOR = '\x1f';

/** Rows as the columns that `unnest` takes. */
export const visitColumns = (rows: readonly VisitRow[]): unknown[][] =>
  VISIT_COLUMNS.map(([name]) => {
    if (name === 'protocols') return rows.map(({ protocols }) => protocols.join(SEPARATOR));
    if (name === 'tags' || name === 'quality') return rows.map((row) => json(row[name]));
    return rows.map((row) => row[name]);
  });

export const denialColumns = (rows: readonly DenialRow[]): unknown[][] =>
  DENIAL_COLUMNS.map(([name]) => rows.map((row) => row[name]));

/** Null for null. */
function json(record: Readonly<Record<string, unknown>> | null): string | null {
  if (record === null) return null;
  const fields = Object.entries(record).map(([name, value]) => [
    plain(name),
    typeof value === 'string' ? plain(value) : value,
  ]);
  return JSON.stringify(Object.fromEntries(fields));
}
