import type { TokenReader } from './tokens/reader.js';

let warnedNameless = false;
let warnedOneStream = false;

/** Somebody is watching a stream that cannot be named: warn once instead of silently not counting. */
export function warnNameless(path: string): void {
  if (warnedNameless) return;
  warnedNameless = true;
  process.emitWarning(
    `${path.slice(0, 100)} is not counted, or is refused while a policy authorises, because no directory names its stream. ` +
      "Name it with trackPlayback(tracker, { stream: () => 'cam1' }).",
    { type: 'StreamSessionsWarning', code: 'STREAM_SESSIONS_NAMELESS_STREAM' },
  );
}

/** All of `/hls/cam1`, `/hls/cam2` … count as "hls": one list entry for a viewer of all, and a kick that applies to all. */
export const warnOneStream =
  ({ hide }: TokenReader) =>
  (stream: string, folders: readonly string[]): void => {
    if (warnedOneStream) return;
    warnedOneStream = true;
    const [name, ...examples] = [stream, ...folders.map((folder) => `${stream}/${folder}`)].map((text) =>
      hide(text.slice(0, 100), undefined),
    );
    process.emitWarning(
      `Playlists of many folders (${examples.join(', ')} …) count as one stream, "${name}". If these are streams of their own, ` +
        `mount trackPlayback() where they begin, app.use('/${name}', trackPlayback(tracker), …), or give it { stream: 'dirname' }.`,
      { type: 'StreamSessionsWarning', code: 'STREAM_SESSIONS_ONE_STREAM' },
    );
  };
