import { StreamSessionsError } from '@stream-sessions/core';
import { ApiError, invalidBody } from '@stream-sessions/core/spi';
import type { PassTerms } from '../types/session-data.js';
import type { TopUp } from '../rules/terms.js';

type Names = Readonly<Record<string, string>>;

const TOP_UP: Names = { time_secs: 'timeSecs', data_mb: 'dataMb', exp_days: 'expDays' };
const TERMS: Names = {
  type: 'type',
  ...TOP_UP,
  down_mbits: 'downMbits',
  up_mbits: 'upMbits',
  use_global_speed: 'useGlobalSpeed',
};

/** @throws ApiError 400 for an unknown field */
export function purchaseFrom({ owner, ...terms }: Record<string, unknown>): { owner: string; terms: PassTerms } {
  return { owner: owner as string, terms: renamed(terms, TERMS, ', owner') as unknown as PassTerms };
}

/** @throws ApiError 400 for an unknown field */
export const topUpFrom = (body: Record<string, unknown>): TopUp => renamed(body, TOP_UP);

/** Renames the fields; the book checks their values. */
function renamed(body: Record<string, unknown>, names: Names, also = ''): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (!Object.hasOwn(names, name)) {
      const known = `${Object.keys(names).join(', ')}${also}`;
      throw invalidBody(`Unknown field ${JSON.stringify(name.slice(0, 64))}. Known: ${known}.`);
    }
    fields[names[name] as string] = value;
  }
  return fields;
}

/** The API error for an error of the book; field names in its message become those of the body. */
export function asApiError(error: unknown): unknown {
  if (!(error instanceof StreamSessionsError)) return error;
  if (error.code === 'ERR_NO_PASS') return new ApiError(404, 'NOT_FOUND', error.message);
  if (error.code === 'ERR_PASS_ENDED') return new ApiError(409, 'PASS_ENDED', error.message);
  if (error.code === 'ERR_PASS_KEY') return new ApiError(422, 'IDEMPOTENCY_KEY_REUSED', error.message);
  if (error.code !== 'ERR_BAD_PASS') return error;
  const [field = '', ...rest] = error.message.split(' ');
  const known = Object.entries(TERMS).find(([, name]) => name === field)?.[0];
  const name = field === 'key' ? 'Idempotency-Key' : (known ?? field);
  return invalidBody([name, ...rest].join(' '));
}
