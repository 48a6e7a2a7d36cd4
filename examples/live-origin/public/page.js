import { showAddresses } from './addresses.js';
import { playerCard } from './player-card.js';
import { playDash, playHls } from './players.js';
import { viewersList } from './viewers.js';

const byId = (id) => document.getElementById(id);

/** CMCD's session id. Not randomUUID(), which a phone has only over HTTPS. */
const newSid = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, '0')).join('');

/** The key came with the link, is kept for this tab and taken out of the address, which people share and players send along. */
function takeKey() {
  const url = new URL(location.href);
  const given = url.searchParams.get('key');
  if (given) {
    sessionStorage.setItem('key', given);
    url.searchParams.delete('key');
    window.history.replaceState(null, '', url);
  }
}

/** A phone's clock may be minutes off; the server's times are told by the server's clock. */
let skewMs = 0;
const now = () => Date.now() + skewMs;

async function api(method, path) {
  const key = sessionStorage.getItem('key');
  const response = await fetch(`api/${path}`, { method, headers: key ? { authorization: `Bearer ${key}` } : {} });
  const skew = Date.parse(response.headers.get('date')) - Date.now();
  if (Math.abs(skew) > 2000) skewMs = skew; // the header has whole seconds
  if (response.status === 401) throw new Error('key');
  // 404 to a DELETE: somebody else was faster, and what was asked for is so
  if (!response.ok && !(method === 'DELETE' && response.status === 404)) {
    const { error } = await response.json().catch(() => ({}));
    throw new Error(error?.message ?? `The server answered ${response.status}.`);
  }
  return response.status === 200 ? response.json() : undefined;
}

function notice(text) {
  byId('notice').hidden = !text;
  if (byId('notice').textContent !== text) byId('notice').textContent = text;
}

async function keepRefreshing(refresh) {
  try {
    await refresh();
    notice('');
    byId('key-form').hidden = true;
  } catch (error) {
    byId('key-form').hidden = error.message !== 'key';
    if (error instanceof TypeError) notice('The server does not answer. Is it still running?');
    else notice(error.message === 'key' ? '' : error.message);
  }
  setTimeout(keepRefreshing, 1000, refresh);
}

async function start() {
  takeKey();
  const channel = await (await fetch('channel.json')).json();
  // ?cmcd=off: two players that name themselves alike are one viewer with two protocols
  const sids = new URLSearchParams(location.search).get('cmcd') === 'off' ? [] : [newSid(), newSid()];
  const dash = [{ name: 'fMP4', url: channel.dash }];
  byId('players').append(
    playerCard({ protocol: 'hls', library: 'hls.js', formats: channel.hls, play: playHls, sid: sids[0] }),
    playerCard({ protocol: 'dash', library: 'dash.js', formats: dash, play: playDash, sid: sids[1] }),
  );

  showAddresses(channel);
  byId('source').textContent =
    channel.source === 'ffmpeg'
      ? 'ffmpeg makes this channel as you watch it.'
      : 'ffmpeg is not installed here: this is a short sample that plays in a loop, in one quality.';
  byId('key-form').onsubmit = (event) => {
    event.preventDefault();
    sessionStorage.setItem('key', byId('key').value.trim());
  };
  await keepRefreshing(viewersList(api, now, sids));
}

start().catch((error) => notice(`The page could not start: ${error.message}`));
