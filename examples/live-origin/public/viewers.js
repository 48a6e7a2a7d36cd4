import { byId, reconcile, write } from './dom.js';
import { bytes } from './format.js';
import { keyForm } from './key-form.js';
import { tell } from './outcome.js';
import { denialRow, inputRow, leftRow, viewerRow } from './rows.js';
import { copyOf } from './copy.js';
import { api, events, Locked, now } from './server.js';

/** So long until the server is asked again that did not answer. */
const TRY_AGAIN_MS = 1000;
/** What changes is shown so often, and so are the times. */
const SHOW_MS = 500;
/** So long without a word, and what stands there is no longer what is: the feed says something every second. */
const STALE_AFTER_MS = 4000;
const MOST_ROWS = 200;

/** What a list says that has no rows, by what is known of it. */
const EMPTY = {
  loading: 'Asking the server…',
  locked: 'Locked: the key of the list is needed.',
};

/**
 * Keeps the lists below the players as the server has them, and says so where they are not: `loading` before the first
 * answer, `locked` without the key, `live`, `stale` when the server is silent or fails. `isMine(session)`: whether it is a
 * player of this page. `onChange({ denials, isBack })`: the denials, undefined where they are not known; whether this is the
 * first answer after a silence.
 */
export function watchViewers(isMine, onChange) {
  let state = 'loading';
  let answeredAt = 0;
  let trouble = '';
  /** Counts what was changed here: an answer from before that is not shown. */
  let changes = 0;
  let wake = () => undefined;
  /** The first answer after a silence is still to be told of. */
  let isBack = false;
  let asking;
  const copy = copyOf(MOST_ROWS);

  const rows = {
    viewers: viewerRow(
      (button, { id, user_name: name }) =>
        remove(button, `sessions/${id}`, `Viewer ${name} was removed.`, `Viewer ${name} was not removed`),
      isMine,
    ),
    inputs: inputRow((button, { id }) =>
      remove(button, `sessions/${id}`, 'The publisher was removed.', 'The publisher was not removed'),
    ),
    denials: denialRow(
      (button, { id }) =>
        remove(button, `denials/${id}`, 'The viewer may come in again.', 'The viewer is still kept out'),
      now,
    ),
    left: leftRow(now),
  };

  async function remove(button, path, done, failed) {
    if ('busy' in button.dataset) return;
    if (state !== 'live') return tell('The server does not answer: nothing was done.', true);
    button.dataset.busy = '';
    mark(button);
    try {
      await api('DELETE', path);
      tell(done);
    } catch (error) {
      tell(`${failed}: ${error.message}`, true);
    }
    delete button.dataset.busy;
    mark(button);
    changes++;
    if (state === 'live') ask().then(refresh, failed);
  }

  /** Not `disabled`, which would lose the focus. */
  function mark(button) {
    button.ariaDisabled = String('busy' in button.dataset || state !== 'live');
  }

  const visit = ({ id, opened_at: openedAt }) => `${id} ${openedAt}`;
  const show = (list, items, keyOf = visit) => reconcile(byId(list), items, keyOf, rows[list].make, rows[list].update);

  function fill() {
    const { live, inputs, gone, refusals, totals } = copy.lists(now());
    show('viewers', live.sessions);
    show('inputs', inputs);
    show('denials', refusals.denials, ({ id }) => id);
    show('left', gone);
    write(byId('total-viewers'), String(totals.viewers));
    write(byId('total-bytes'), bytes(totals.bytes_total));
    write(byId('total-denials'), String(refusals.total_count));
    const more = live.total_count > live.sessions.length;
    byId('more').hidden = !more;
    const [some, all] = [live.sessions.length, live.total_count].map((count) => count.toLocaleString('en'));
    write(
      byId('more'),
      more ? `The first ${some} of ${all} are shown. Find the others by a part of what they are known by.` : '',
    );
    onChange({ denials: refusals.denials, isBack });
    isBack = false;
  }

  /** What is no longer known is not shown. */
  function clear() {
    for (const list of ['viewers', 'inputs', 'denials', 'left']) show(list, []);
    for (const total of ['viewers', 'bytes', 'denials']) write(byId(`total-${total}`), '–');
    byId('more').hidden = true;
  }

  function describe() {
    const silentMs = performance.now() - answeredAt;
    if (state === 'live' && silentMs > STALE_AFTER_MS) state = 'stale';
    document.body.dataset.list = state;
    for (const empty of document.querySelectorAll('.empty')) {
      empty.hidden = empty.parentElement.querySelector('ul, tbody').childElementCount > 0;
      const nobody = empty.id === 'nobody' && byId('find').value ? 'Nobody is found.' : empty.dataset.nobody;
      write(empty, EMPTY[state] ?? nobody);
    }
    const isSilent = state === 'stale' || (state === 'loading' && silentMs > STALE_AFTER_MS);
    const from = new Date(now() - silentMs).toLocaleTimeString();
    const old = state === 'stale' ? ` The lists below are from ${from}, and nobody can be kicked now.` : '';
    byId('notice').hidden = !isSilent;
    write(byId('notice'), isSilent ? `${trouble || 'The server does not answer.'} Trying again.${old}` : '');
    for (const button of document.querySelectorAll('.kick, .lift')) mark(button);
  }

  /** The lists as they are: when the feed begins, and where what it tells is not enough. */
  async function ask() {
    const before = changes;
    const q = byId('find').value.trim();
    copy.expect();
    const lists = await Promise.all([
      api('GET', `sessions?status=active&kind=viewer&limit=${MOST_ROWS}&q=${encodeURIComponent(q)}`),
      api('GET', 'sessions?status=active&kind=input&limit=50'),
      api('GET', 'sessions?status=closed&kind=viewer&order=-closed_at&limit=4'),
      api('GET', 'denials?limit=50'),
    ]);
    if (before !== changes) return ask();
    copy.begin(lists, q);
    heard();
  }

  function heard() {
    isBack ||= state !== 'live';
    [state, answeredAt, trouble] = ['live', performance.now(), ''];
    form.hide();
  }

  /** Until the server is silent, fails, or wants another key. */
  async function follow() {
    for await (const { event, data } of events(STALE_AFTER_MS)) {
      answeredAt = performance.now();
      if (event === 'reset') await ask();
      else {
        if (state !== 'live') heard();
        if (copy.take(event, data)) soon();
      }
      if (event === 'reset') refresh();
    }
  }

  /** What the feed cannot say is asked for, once for all that happens in a second. */
  function soon() {
    asking ??= setTimeout(() => {
      asking = undefined;
      ask().then(refresh, failed);
    }, TRY_AGAIN_MS / 2);
  }

  function refresh() {
    if (state === 'live') fill();
    describe();
  }

  function failed(error) {
    onChange({ denials: undefined, isBack: false });
    if (error instanceof Locked) {
      [state, answeredAt] = ['locked', performance.now()];
      clear();
      form.ask();
    } else {
      trouble = error.message;
      if (state === 'live' && performance.now() - answeredAt > TRY_AGAIN_MS * 2) state = 'stale';
    }
    describe();
  }

  const form = keyForm(() => wake());
  byId('find').oninput = () => {
    changes++;
    if (state === 'live') ask().then(refresh, failed);
  };
  setInterval(refresh, SHOW_MS);
  describe();

  void (async () => {
    for (;;) {
      await follow().catch(failed);
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, TRY_AGAIN_MS);
      });
    }
  })();
}
