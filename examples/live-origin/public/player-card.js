import { duration } from './format.js';

const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
const option = (label, value) => new window.Option(label, value);

/** Setting the same text again would make a screen reader say it again. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * One player with its picture, its choices, and what it says when it is refused.
 * `formats` are `{ name, url }`; `play` is one of players.js; `sid` names the viewer (CMCD), or is absent.
 */
export function playerCard({ protocol, library, formats, play, sid }) {
  const card = clone('player-card');
  const find = (selector) => card.querySelector(selector);
  const [video, state, refused, quality, format, power] =
    ['video', '.state', '.refused', '.quality', '.format', '.power'].map(find); // prettier-ignore
  let player;
  let failure = '';
  let mayReturnAt = 0;

  card.dataset.player = protocol;
  find('h2').textContent = library;
  find('.chip').textContent = protocol.toUpperCase();
  find('.chip').classList.add(protocol);
  find('.sid').textContent = sid ? `sid ${sid.slice(0, 8)}` : 'no sid';
  video.setAttribute('aria-label', `The demo channel over ${protocol.toUpperCase()}`);
  format.replaceChildren(...formats.map(({ name, url }) => option(name, url)));
  format.disabled = formats.length < 2;

  const showQualities = (names) => {
    quality.replaceChildren(option('Auto', -1), ...names.map(option));
    quality.disabled = names.length < 2;
  };

  function stop() {
    player?.stop();
    player = undefined;
    power.textContent = 'Play';
  }

  function start() {
    stop();
    failure = '';
    refused.hidden = true;
    video.controls = true;
    power.textContent = 'Stop';
    showQualities([]);
    const mine = play(video, format.value, sid, {
      qualities: showQualities,
      // a refusal may come while the player is being made, and again from each of its requests
      denied: (retryAfter) => queueMicrotask(() => player === mine && showRefusal(retryAfter)),
      failed: (message) => queueMicrotask(() => player === mine && showFailure(message)),
    });
    player = mine;
  }

  function showRefusal(retryAfter) {
    stop();
    mayReturnAt = Date.now() + (retryAfter || 0) * 1000;
    refused.hidden = false;
    video.controls = false;
    describe();
  }

  function showFailure(message) {
    stop();
    failure = message;
  }

  const isNow = () => {
    if (!refused.hidden) return 'refused';
    if (!player) return failure ? 'failed' : 'stopped';
    return video.readyState < 3 ? 'loading' : video.paused ? 'paused' : 'playing';
  };

  /** What the player is doing, in a word and a figure. */
  function describe() {
    const is = isNow();
    const behind = () => `${Math.max(0, player.latency() || 0).toFixed(1)} s behind`;
    const detail = { playing: () => ` · ${video.videoHeight}p · ${behind()}`, failed: () => ` · ${failure}` }[is];
    state.dataset.is = is;
    write(find('.word'), is);
    write(find('.detail'), detail?.() ?? '');
    const wait = Math.ceil((mayReturnAt - Date.now()) / 1000);
    write(find('.why'), `The server answers 403. It may return ${wait > 0 ? `in ${duration(wait)}` : 'now'}.`);
  }

  quality.onchange = () => player?.quality(Number(quality.value));
  format.onchange = start;
  power.onclick = () => {
    if (player) stop();
    else start();
    describe();
  };
  find('.retry').onclick = start;
  setInterval(describe, 500);
  start();
  return card;
}
