/** What the page asks of the server it came from: with a time limit, with the key of the list, by the server's clock. */

/** The list needs another key than this page has, or any at all. */
export class Locked extends Error {}
/** Nobody answers, or not in time. */
export class Unreachable extends Error {}

const TIMEOUT_MS = 5000;

/** Kept for this tab alone. */
export const storedKey = () => sessionStorage.getItem('key');
export const storeKey = (key) => sessionStorage.setItem('key', key);

/** The key came with the link. It is taken out of the address, which people share and players send along. */
export function takeKey() {
  const url = new URL(location.href);
  const given = url.searchParams.get('key');
  if (given === null) return;
  if (given) storeKey(given);
  url.searchParams.delete('key');
  window.history.replaceState(null, '', url);
}

/** A phone's clock may be minutes off; the server's times are told by the server's clock. */
let skewMs = 0;
export const now = () => Date.now() + skewMs;

async function answerTo(path, options) {
  try {
    const response = await fetch(path, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const skew = Date.parse(response.headers.get('date')) - Date.now();
    if (Math.abs(skew) > 2000) skewMs = skew; // the header has whole seconds
    // the body may hang as well
    return { status: response.status, ok: response.ok, text: await response.text() };
  } catch {
    throw new Unreachable('The server does not answer.');
  }
}

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
};

/** Asks the API of the list. */
export async function api(method, path, key = storedKey()) {
  const headers = key ? { authorization: `Bearer ${key}` } : {};
  const { status, ok, text } = await answerTo(`api/${path}`, { method, headers });
  const message = parsed(text).error?.message;
  if (status === 401) throw new Locked(message);
  // 404 to a DELETE: somebody else was faster, and what was asked for is so
  if (!ok && !(method === 'DELETE' && status === 404)) throw new Error(message ?? `The server answered ${status}.`);
  return status === 200 ? parsed(text) : undefined;
}

/** What is on air, and where. Answers when the channel is. */
export async function channel() {
  const { ok, status, text } = await answerTo('channel.json', {});
  if (!ok) throw new Unreachable(`The server answered ${status}.`);
  return parsed(text);
}

/** Where the feed goes on after a pause. */
let lastId = '';

/**
 * What happens at the server, as its feed tells it. Ends with an error: when nothing came for `silenceMs`, or the server is
 * not there, fails, or wants another key.
 */
export async function* events(silenceMs) {
  const ending = new AbortController();
  let timer;
  const alive = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(() => ending.abort(), ms);
  };
  alive(TIMEOUT_MS);
  // what the browser knows already need not be waited for
  const offline = () => ending.abort();
  window.addEventListener('offline', offline);
  try {
    const key = storedKey();
    const headers = { ...(key && { authorization: `Bearer ${key}` }), ...(lastId && { 'last-event-id': lastId }) };
    const response = await fetch('api/events', { headers, signal: ending.signal });
    if (!response.ok) {
      const message = parsed(await response.text()).error?.message;
      throw response.status === 401
        ? new Locked(message)
        : new Error(message ?? `The server answered ${response.status}.`);
    }
    for await (const message of messagesOf(response.body)) {
      alive(silenceMs);
      if (message.id) lastId = message.id;
      if (message.data) yield { event: message.event, data: parsed(message.data) };
    }
  } catch (error) {
    // what the server said itself is passed on
    if (error.name !== 'AbortError' && !(error instanceof TypeError)) throw error;
  } finally {
    window.removeEventListener('offline', offline);
    clearTimeout(timer);
    ending.abort();
  }
  throw new Unreachable('The server does not answer.');
}

/** Server-Sent Events, as far as the feed makes use of them. `EventSource` would send no key. */
async function* messagesOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    for (const block of blocks) {
      yield Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s, 2)));
    }
  }
}
