/** The rows of the lists, one kind each: `make` fills what stays, `update` what changes. */
import { clone, write, writeForeign } from './dom.js';
import { agent, bitrate, bytes, country, duration } from './format.js';

function chip(protocol) {
  const span = document.createElement('span');
  span.className = `chip ${protocol}`;
  span.textContent = protocol.toUpperCase();
  return span;
}

const NAMED_BY = {
  token: 'by its token',
  cmcd: 'by its CMCD sid',
  'playback-session': 'by its playback session',
  user: 'by its user name',
};

/** Requests are put together by what they have in common; a connection is a viewer by itself. */
const namedBy = ({ named_by: how, connections }) =>
  NAMED_BY[how] ?? (connections > 0 ? 'by its connection' : 'by address and player');

const trafficOf = new WeakMap();

function rate(row, session) {
  const at = performance.now();
  const before = trafficOf.get(row);
  if (before && at - before.at < 3000) return before.text;
  const perSecond = before ? ((session.bytes - before.bytes) * 8 * 1000) / (at - before.at) : undefined;
  const text = perSecond === undefined ? '' : bitrate(perSecond);
  trafficOf.set(row, { at, bytes: session.bytes, text });
  return text;
}

/** `isMine(session)`: whether it is a player of this page. */
export const viewerRow = (onKick, isMine) => ({
  make(session) {
    const row = clone('viewer-row');
    row.dataset.session = session.id;
    const kick = row.querySelector('.kick');
    kick.setAttribute('aria-label', `Kick viewer ${session.user_name}, ${session.proto}`);
    kick.onclick = () => onKick(kick, session);
    return row;
  },
  update(row, session) {
    const set = (selector, text) => write(row.querySelector(selector), text);
    const setForeign = (selector, text) => writeForeign(row.querySelector(selector), text);
    setForeign('.who', session.user_name);
    set('.named', namedBy(session));
    setForeign('.stream', session.stream_code);
    setForeign('.ip', session.ip);
    set('.country', country(session.country));
    setForeign('.agent', agent(session.user_agent));
    row.querySelector('.agent').title = (session.user_agent ?? '').slice(0, 300);
    set('.bytes', bytes(session.bytes));
    set('.rate', rate(row, session));
    set('.time', duration(session.duration_sec));
    row.querySelector('.tag').hidden = !isMine(session);
    const protocols = row.querySelector('.protocols');
    if (protocols.childElementCount !== session.protos.length) protocols.replaceChildren(...session.protos.map(chip));
  },
});

export const inputRow = (onKick) => ({
  make(session) {
    const row = clone('input-row');
    const [name, kick] = [row.querySelector('.chip'), row.querySelector('.kick')];
    name.textContent = session.proto.toUpperCase();
    name.classList.add(session.proto);
    writeForeign(row.querySelector('.stream'), session.stream_code);
    writeForeign(row.querySelector('.ip'), session.ip);
    writeForeign(row.querySelector('.agent'), agent(session.user_agent));
    kick.setAttribute('aria-label', `Kick the publisher of ${session.stream_code}, ${session.proto}`);
    kick.onclick = () => onKick(kick, session);
    return row;
  },
  update(row, session) {
    write(row.querySelector('.bytes'), `${bytes(session.bytes_received)} · ${duration(session.duration_sec)}`);
  },
});

export const denialRow = (onLift, now) => ({
  make(denial) {
    const row = clone('denial-row');
    const lift = row.querySelector('.lift');
    lift.onclick = () => onLift(lift, denial);
    return row;
  },
  update(row, { target, reason, until }) {
    const { user_agent: player, stream_code: stream, session, ...others } = target;
    // what a person can tell somebody by; a session's id says nothing
    const rest = player || others.ip || others.user ? others : { session, ...others };
    const words = Object.entries({ ...rest, ...(stream && { stream }) }).map(([field, value]) => `${field} ${value}`);
    writeForeign(row.querySelector('.agent'), player ? agent(player) : 'Any player');
    writeForeign(row.querySelector('.target'), [reason, ...words].join(' · '));
    write(row.querySelector('.countdown'), until ? duration((Date.parse(until) - now()) / 1000) : 'for good');
  },
});

export const leftRow = (now) => ({
  make(session) {
    const row = clone('left-row');
    writeForeign(row.querySelector('.who'), session.user_name);
    write(row.querySelector('.what'), `${session.protos.slice(0, 3).join(', ')} · ${bytes(session.bytes)} ·`);
    writeForeign(row.querySelector('.agent'), agent(session.user_agent));
    writeForeign(row.querySelector('.reason'), session.close_reason);
    row.querySelector('.reason').dataset.is = session.close_reason;
    return row;
  },
  update(row, session) {
    write(row.querySelector('.countdown'), `${duration((now() - Date.parse(session.closed_at)) / 1000)} ago`);
  },
});
