import { isGone, keepPrivate, type NodeRequest, type NodeResponse } from '@stream-sessions/core/spi';
import type { Visit } from '../types/query.js';
import { visitToWire } from './wire.js';

/** The format of an export. */
export type ExportFormat = 'ndjson' | 'csv';

const TYPES = { ndjson: 'application/x-ndjson; charset=utf-8', csv: 'text/csv; charset=utf-8' } as const;
const COLUMNS = [
  'visit_id',
  'stream_code',
  'proto',
  'kind',
  'ip',
  'country',
  'user_name',
  'user_agent',
  'player',
  'referer',
  'bytes',
  'bytes_received',
  'secure',
  'dvr',
  'opened_at',
  'ended_at',
  'closed_at',
  'duration_sec',
  'close_reason',
  'close_detail',
] as const;
/** The amount written at once. Characters. */
const CHUNK = 65_536;

/** Writes visits as they are read, no faster than the client takes them: only one page is in memory, however many there are. */
export async function sendExport(
  req: NodeRequest,
  res: NodeResponse,
  visits: AsyncGenerator<Visit>,
  format: ExportFormat,
): Promise<void> {
  // the first visit is read before the response begins, so that an error can still be reported as one
  const first = await visits.next();
  // a response that is closed never asks for more
  if (isGone(res)) return void (await visits.return(undefined));
  res.statusCode = 200;
  keepPrivate(res);
  res.setHeader('Content-Type', TYPES[format]);
  res.setHeader('Content-Disposition', `attachment; filename="visits.${format}"`);
  const out = res as { write(text: string): boolean; end(text?: string): unknown; destroy(): unknown };
  if (req.method === 'HEAD') return void out.end();
  let text = format === 'csv' ? `${COLUMNS.join(',')}\r\n` : '';
  try {
    for (let next = first; next.done !== true && !isGone(res); next = await visits.next()) {
      text += format === 'csv' ? csvOf(next.value) : `${JSON.stringify(visitToWire(next.value))}\n`;
      if (text.length < CHUNK) continue;
      const isTaken = out.write(text);
      text = '';
      if (!isTaken) await roomIn(res);
    }
    out.end(text);
  } catch {
    // The status has been sent: cutting the response off is the only way left to signal that it is incomplete.
    out.destroy();
  } finally {
    await visits.return(undefined);
  }
  return undefined;
}

/** Resolves when the client takes more, or is gone. */
const roomIn = (res: NodeResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      res.off('drain', done);
      res.off('close', done);
      resolve();
    };
    res.once('drain', done);
    res.once('close', done);
  });

const csvOf = (visit: Visit): string => {
  const wire = visitToWire(visit) as Readonly<Record<string, string | number | boolean | undefined>>;
  return `${COLUMNS.map((column) => cell(wire[column])).join(',')}\r\n`;
};

/** How spreadsheets know a formula, some of them behind blanks, or in the full-width characters of East Asia. */
const FORMULA = /^(?:[\t\r\n]|\s*[=+\-@＝＋－＠])/;

/** Text from strangers may begin like a formula, which spreadsheets would run: a leading quote makes it plain text. */
function cell(value: string | number | boolean | undefined): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
