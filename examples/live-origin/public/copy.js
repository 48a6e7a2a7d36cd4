/** What the server's lists say, kept up to date by what its feed tells. */

const MOST_LEFT = 4;
/** What comes while a server that does not answer is asked is worth no more memory. */
const MOST_UPDATES = 10_000;

const isSame = (a) => (b) => a.id === b.id && a.opened_at === b.opened_at;

/** @param mostRows so many viewers are shown */
export function copyOf(mostRows) {
  let [live, inputs, gone, refusals] = [{ sessions: [], total_count: 0 }, [], [], { denials: [], total_count: 0 }];
  let totals = { viewers: 0, bytes_total: 0 };
  let isSearch = false;
  /** Updates that came while the server was asked; undefined: it is not. */
  let meanwhile;

  function opened(row) {
    if (row.kind === 'input') inputs = [...inputs.filter((other) => !isSame(row)(other)), row];
    if (row.kind !== 'viewer') return false;
    if (live.sessions.some(isSame(row))) return false;
    // the server knows what is meant
    if (isSearch) return true;
    live.total_count++;
    if (live.sessions.length < mostRows) live.sessions.push(row);
    return false;
  }

  /** `row`: what has moved, or all of it. */
  function updated(row) {
    if (meanwhile?.length < MOST_UPDATES) meanwhile.push(row);
    for (const rows of [live.sessions, inputs]) {
      const at = rows.findIndex(isSame(row));
      if (at >= 0 && row.updated_at >= rows[at].updated_at) rows[at] = { ...rows[at], ...row };
    }
    return false;
  }

  function closed(row) {
    inputs = inputs.filter((other) => !isSame(row)(other));
    const isKeptOut = row.close_reason === 'kicked' || row.close_reason === 'denied';
    if (row.kind !== 'viewer') return isKeptOut;
    if (!gone.some(isSame(row))) gone = [row, ...gone].slice(0, MOST_LEFT);
    const before = live.sessions.length;
    live.sessions = live.sessions.filter((other) => !isSame(row)(other));
    const wasShown = live.sessions.length < before;
    if (!isSearch) live.total_count = Math.max(live.sessions.length, live.total_count - 1);
    else if (wasShown) live.total_count--;
    // somebody else moves up
    return isKeptOut || (wasShown && live.total_count > live.sessions.length);
  }

  return {
    /** The server is asked for its lists: what it tells from now on may be newer than they are. */
    expect() {
      meanwhile = [];
    },

    /** From the lists as the server has them; `q`: what was searched for. */
    begin([viewers, publishers, left, kept], q) {
      live = viewers;
      inputs = publishers.sessions;
      gone = left.sessions;
      refusals = kept;
      totals = viewers.stats;
      isSearch = q !== '';
      const newer = meanwhile ?? [];
      meanwhile = undefined;
      newer.forEach(updated);
    },

    /** Takes an event of the feed. True: what it means for the lists, only the server knows. */
    take(event, data) {
      if (event === 'stats') totals = data.stats;
      else if (event === 'session.updated') return updated(data.payload);
      else if (event === 'session.opened' || event === 'session.resumed') return opened(data.payload);
      else if (event === 'session.closed') return closed(data.payload);
      return event === 'session.denied';
    },

    /** As they are now: times go on, and denials end. */
    lists(now) {
      const aged = (row) => ({ ...row, duration_sec: Math.max(0, now - Date.parse(row.opened_at)) / 1000 });
      const denials = refusals.denials.filter(({ until }) => !until || Date.parse(until) > now);
      const ended = refusals.denials.length - denials.length;
      return {
        live: { ...live, sessions: live.sessions.map(aged) },
        inputs: inputs.map(aged),
        gone,
        refusals: { denials, total_count: refusals.total_count - ended },
        totals,
      };
    },
  };
}
