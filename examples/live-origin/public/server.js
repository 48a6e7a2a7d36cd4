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
