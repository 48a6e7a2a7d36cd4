import { showAddresses } from './addresses.js';
import { byId, write } from './dom.js';
import { playerCard } from './player-card.js';
import { playDash, playHls } from './players.js';
import { channel, storedKey, takeKey } from './server.js';
import { watchViewers } from './viewers.js';

/** CMCD's session id. Not randomUUID(), which a phone has only over HTTPS. */
const newSid = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, '0')).join('');

const SOURCES = {
  ffmpeg: 'ffmpeg makes this channel as you watch it.',
  sample: 'ffmpeg is not installed here: this is a short sample that plays in a loop, in one quality.',
};

/** Asks until the server says what is on air. */
async function onAir() {
  for (;;) {
    try {
      return await channel();
    } catch (error) {
      write(byId('source'), `${error.message} Trying again.`);
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

function showChannel(found) {
  showAddresses(found);
  write(byId('source'), SOURCES[found.source]);
}

/** `?cmcd=off`: two players that name themselves alike are one viewer with two protocols. */
const sids = new URLSearchParams(location.search).get('cmcd') === 'off' ? [] : [newSid(), newSid()];
const isMine = ({ named_by: how, user_name: name }) => how === 'cmcd' && sids.some((sid) => sid.slice(0, 8) === name);
const cards = [];

takeKey();
watchViewers(isMine, ({ denials, isBack }) => {
  for (const card of cards) card.denialsAre(denials);
  // after a restart the servers beside this one may listen elsewhere
  if (isBack && cards.length > 0) void onAir().then(showChannel);
});

// the links below lead to the API, which takes the key and sends on to an address without it
for (const link of document.querySelectorAll('.bottom a')) {
  const { href } = link;
  link.onclick = () => {
    const key = storedKey();
    link.href = key ? `${href}?key=${encodeURIComponent(key)}` : href;
    setTimeout(() => (link.href = href));
  };
}

async function play() {
  write(byId('source'), 'Waiting for the channel…');
  const found = await onAir();
  const dash = [{ name: 'fMP4', url: found.dash }];
  cards.push(
    playerCard({ protocol: 'hls', library: 'hls.js', formats: found.hls, play: playHls, sid: sids[0] }),
    playerCard({ protocol: 'dash', library: 'dash.js', formats: dash, play: playDash, sid: sids[1] }),
  );
  byId('players').append(...cards.map((card) => card.element));
  showChannel(found);
}

// not at the top level: the page has loaded, though the channel may take a while
void play();
