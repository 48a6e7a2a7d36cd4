import { clone, write } from './dom.js';
import { duration } from './format.js';
import { now } from './server.js';

const option = (label, value) => new window.Option(label, value);

/** A player that has not moved for so long is made anew: sooner when it has played before. */
const STUCK_AFTER_MS = 10_000;
const SLOW_AFTER_MS = 30_000;
/** It waits before that, and then longer and longer. */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 10_000;

/**
 * One player with its picture, its choices, and what it says when it is refused. It comes back by itself when it fails: the
 * server may have been restarted, or the network away. `formats` are `{ name, url }`; `play` is one of players.js; `sid` names
 * the viewer (CMCD), or is absent.
 */
export function playerCard({ protocol, library, formats, play, sid }) {
  const card = clone('player-card');
  const find = (selector) => card.querySelector(selector);
  const [video, state, refused, quality, format, power] =
    ['video', '.state', '.refused', '.quality', '.format', '.power'].map(find); // prettier-ignore
  let player;
  /** Why it is not playing although it should: it is made anew at `againAt`. */
  let failure = '';
  let againAt = 0;
  let waitMs = FIRST_WAIT_MS;
  /** Where it was last seen to move on: its picture, or what it has got. */
  let moved = { to: '', at: 0 };
  let hasPlayed = false;
  let mayReturnAt = 0;
  let denials;
  /** The list has shown since the refusal that it is kept out: until then it may be older than the refusal. */
  let isListed = false;

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

  function end() {
    player?.stop();
    player = undefined;
  }

  function stop() {
    end();
    failure = '';
    power.textContent = 'Play';
  }

  function start() {
    end();
    failure = '';
    refused.hidden = true;
    video.controls = true;
    power.textContent = 'Stop';
    moved = { to: '', at: performance.now() };
    hasPlayed = false;
    showQualities([]);
    const mine = play(video, format.value, sid, {
      qualities: showQualities,
      // a refusal may come while the player is being made, and again from each of its requests
      denied: (retryAfter) => queueMicrotask(() => player === mine && showRefusal(retryAfter)),
      failed: (message) => queueMicrotask(() => player === mine && tryAgain(message)),
    });
    player = mine;
  }

  function showRefusal(retryAfter) {
    stop();
    mayReturnAt = now() + (retryAfter || 0) * 1000;
    isListed = false;
    refused.hidden = false;
    video.controls = false;
    describe();
  }

  function tryAgain(message) {
    end();
    failure = message;
    againAt = performance.now() + waitMs;
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }

  /** Makes it anew when that is due, or when it stands still though it should not. */
  function watch() {
    const at = performance.now();
    if (failure) {
      if (at >= againAt) start();
      return;
    }
    if (!player) return;
    const { buffered, currentTime, paused, readyState } = video;
    const to = `${currentTime} ${buffered.length > 0 ? buffered.end(buffered.length - 1) : 0}`;
    if (isNow() === 'playing' && currentTime > 0) [hasPlayed, waitMs] = [true, FIRST_WAIT_MS];
    if (to !== moved.to || (paused && readyState >= 3)) moved = { to, at };
    else if (at - moved.at > (hasPlayed ? STUCK_AFTER_MS : SLOW_AFTER_MS)) tryAgain('nothing comes');
  }

  const isNow = () => {
    if (!refused.hidden) return 'refused';
    if (failure) return 'failed';
    if (!player) return 'stopped';
    return video.readyState < 3 ? 'loading' : video.paused ? 'paused' : 'playing';
  };

  /** What the player is doing, in a word and a figure. */
  function describe() {
    const is = isNow();
    const behind = () => `${Math.max(0, player.latency() || 0).toFixed(1)} s behind`;
    const seconds = () => Math.max(0, Math.ceil((againAt - performance.now()) / 1000));
    const detail = {
      playing: () => ` · ${video.videoHeight}p · ${behind()}`,
      failed: () => ` · ${failure} · trying again in ${seconds()} s`,
    }[is];
    state.dataset.is = is;
    write(find('.word'), is);
    write(find('.detail'), detail?.() ?? '');
    if (is === 'refused') write(find('.why'), whyRefused());
  }

  /** The list knows who is kept out still; without it the answer that refused this player is the last word. */
  function whyRefused() {
    const listedUntil = denials === undefined ? 0 : lastOf(denials);
    isListed ||= listedUntil > now();
    const knows = denials !== undefined && isListed;
    const wait = Math.ceil(((knows ? listedUntil : mayReturnAt) - now()) / 1000);
    if (knows && wait <= 0) return 'It is not kept out any more.';
    return `The server answers 403. It may return ${wait > 0 ? `in ${duration(wait)}` : 'now'}.`;
  }

  quality.onchange = () => player?.quality(Number(quality.value));
  format.onchange = start;
  power.onclick = () => {
    if (player || failure) stop();
    else start();
    describe();
  };
  find('.retry').onclick = start;
  setInterval(() => {
    watch();
    describe();
  }, 500);
  start();

  return {
    element: card,
    /** Who is kept out, as the list says; undefined: it says nothing. */
    denialsAre(list) {
      denials = list;
      if (!refused.hidden) describe();
    },
  };
}

/** When the last of those ends that could mean this browser: a kick is for its address and its User-Agent. */
const lastOf = (denials) =>
  Math.max(
    0,
    ...denials
      .filter(({ target }) => (target.user_agent ?? navigator.userAgent) === navigator.userAgent)
      .map(({ until }) => (until ? Date.parse(until) : Infinity)),
  );
