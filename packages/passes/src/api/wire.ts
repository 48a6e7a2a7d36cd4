import type { Remaining } from '../types/book.js';
import type { Pass } from '../types/store.js';

const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** A pass as JSON: times are RFC 3339, and internal fields are left out. */
export const passToWire = (pass: Pass): Record<string, unknown> => ({
  id: pass.id,
  owner: pass.owner,
  provider: pass.provider,
  type: pass.type,
  time_secs: pass.timeSecs,
  data_mb: pass.dataMb,
  time_cons: pass.timeCons,
  data_cons: pass.dataCons,
  started_at: time(pass.startedAt),
  exp_days: pass.expDays,
  down_mbits: pass.downMbits,
  up_mbits: pass.upMbits,
  use_global_speed: pass.useGlobalSpeed,
  created_at: time(pass.createdAt),
  ended_at: time(pass.endedAt),
});

/** What is left, as JSON. `now`: the server's clock, with which `ends_at` is to be compared. */
export const remainingToWire = (left: Remaining, now: number): Record<string, unknown> => ({
  pass: left.pass.id,
  type: left.pass.type,
  ...(left.seconds !== undefined && { seconds: left.seconds }),
  ...(left.bytes !== undefined && { bytes: left.bytes }),
  expires_at: time(left.expiresAt),
  ends_at: time(left.endsAt),
  is_playing: left.isPlaying,
  now: time(now),
});
