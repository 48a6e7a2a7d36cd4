import { agent, bitrate, bytes, country, duration } from './format.js';

const byId = (id) => document.getElementById(id);
const clone = (id) => byId(id).content.firstElementChild.cloneNode(true);

/** Setting the same text again would make a screen reader say it again. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Keeps one element per item: rows stay themselves, and with them the focus, while their figures change. */
function reconcile(parent, items, keyOf, make, update) {
  const rows = (parent.rows_ ??= new Map());
  const seen = new Set();
  for (const item of items) {
    const key = keyOf(item);
    seen.add(key);
    if (!rows.has(key)) rows.set(key, parent.appendChild(make(item)));
    update(rows.get(key), item);
  }
  for (const [key, row] of rows) {
    if (seen.has(key)) continue;
    if (row.contains(document.activeElement)) parent.closest('section').querySelector('h2').focus();
    row.remove();
    rows.delete(key);
  }
}

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

/** The tables below the players. `api(method, path)` asks the server, `now()` is its clock; `mine` are the sids of this page. */
export function viewersList(api, now, mine) {
  const secondsUntil = (time) => (Date.parse(time) - now()) / 1000;
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

  async function remove(button, path, done) {
    if (button.ariaDisabled === 'true') return;
    button.ariaDisabled = 'true'; // not `disabled`, which would lose the focus
    try {
      await api('DELETE', path);
      byId('announce').textContent = done;
      await refresh();
    } catch (error) {
      button.ariaDisabled = 'false';
      byId('announce').textContent = error.message;
    }
  }

  function makeViewer(session) {
    const row = clone('viewer-row');
    row.dataset.session = session.id;
    const kick = row.querySelector('.kick');
    kick.setAttribute('aria-label', `Kick viewer ${session.user_name}, ${session.proto}`);
    kick.onclick = () => remove(kick, `sessions/${session.id}`, `Viewer ${session.user_name} was removed`);
    return row;
  }

  function updateViewer(row, session) {
    const set = (selector, text) => write(row.querySelector(selector), text);
    set('.who', session.user_name);
    set('.named', namedBy(session));
    set('.stream', session.stream_code);
    set('.ip', session.ip);
    set('.country', country(session.country));
    set('.agent', agent(session.user_agent));
    set('.bytes', bytes(session.bytes));
    set('.rate', rate(row, session));
    set('.time', duration(session.duration_sec));
    row.querySelector('.agent').title = session.user_agent ?? '';
    row.querySelector('.tag').hidden = !mine.some((sid) => sid.startsWith(session.user_name));
    const protocols = row.querySelector('.protocols');
    if (protocols.childElementCount !== session.protos.length) protocols.replaceChildren(...session.protos.map(chip));
  }

  function makeInput(session) {
    const row = clone('input-row');
    const [name, kick] = [row.querySelector('.chip'), row.querySelector('.kick')];
    name.textContent = session.proto.toUpperCase();
    name.classList.add(session.proto);
    write(row.querySelector('.stream'), session.stream_code);
    write(row.querySelector('.agent'), `${session.ip} · ${agent(session.user_agent)}`);
    kick.setAttribute('aria-label', `Kick the publisher of ${session.stream_code}, ${session.proto}`);
    kick.onclick = () => remove(kick, `sessions/${session.id}`, 'The publisher was removed');
    return row;
  }

  const updateInput = (row, session) =>
    write(row.querySelector('.bytes'), `${bytes(session.bytes_received)} · ${duration(session.duration_sec)}`);

  function makeDenial(denial) {
    const row = clone('denial-row');
    const lift = row.querySelector('.lift');
    lift.onclick = () => remove(lift, `denials/${denial.id}`, 'The viewer may come in again');
    return row;
  }

  function updateDenial(row, { target, reason, until }) {
    const { user_agent: player, stream_code: stream, session, ...others } = target;
    // what a person can tell somebody by; a session's id says nothing
    const rest = player || others.ip || others.user ? others : { session, ...others };
    const words = Object.entries({ ...(stream && { stream }), ...rest }).map(([field, value]) => `${field} ${value}`);
    write(row.querySelector('.agent'), player ? agent(player) : 'Any player');
    write(row.querySelector('.target'), [...words, reason].join(' · '));
    write(row.querySelector('.countdown'), duration(secondsUntil(until)));
  }

  function makeLeft(session) {
    const row = clone('left-row');
    write(row.querySelector('.who'), session.user_name);
    write(
      row.querySelector('.agent'),
      `${session.protos.join(', ')} · ${bytes(session.bytes)} · ${agent(session.user_agent)}`,
    );
    write(row.querySelector('.reason'), session.close_reason);
    row.querySelector('.reason').dataset.is = session.close_reason;
    return row;
  }

  const updateLeft = (row, session) =>
    write(row.querySelector('.countdown'), `${duration(-secondsUntil(session.closed_at))} ago`);

  const visit = ({ id, opened_at }) => `${id} ${opened_at}`;

  async function refresh() {
    const [live, inputs, gone, refusals] = await Promise.all([
      api('GET', 'sessions?status=active&kind=viewer'),
      api('GET', 'sessions?status=active&kind=input'),
      api('GET', 'sessions?status=closed&kind=viewer'),
      api('GET', 'denials'),
    ]);
    const left = gone.sessions.sort((a, b) => b.closed_at.localeCompare(a.closed_at)).slice(0, 4);
    reconcile(byId('viewers'), live.sessions, visit, makeViewer, updateViewer);
    reconcile(byId('inputs'), inputs.sessions, visit, makeInput, updateInput);
    reconcile(byId('denials'), refusals.denials, ({ id }) => id, makeDenial, updateDenial);
    byId('left').rows_?.clear(); // newest first: made anew, nothing in it can have the focus
    byId('left').replaceChildren();
    reconcile(byId('left'), left, visit, makeLeft, updateLeft);
    byId('nobody').hidden = live.sessions.length > 0;
    byId('no-inputs').hidden = inputs.sessions.length > 0;
    byId('no-denials').hidden = refusals.denials.length > 0;
    byId('nobody-left').hidden = left.length > 0;
    write(byId('total-viewers'), String(live.total_count));
    write(byId('total-bytes'), bytes(live.stats.bytes_total));
    write(byId('total-denials'), String(refusals.denials.length));
  }

  return refresh;
}
