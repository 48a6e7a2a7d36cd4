/* global Hls, dashjs */
/**
 * The two players behind one small face. They call play() themselves: what plays by the `autoplay` attribute is paused by
 * some browsers when it is scrolled out of sight. Each gets `on.qualities(names)`, `on.denied(retryAfterSeconds)` and
 * `on.failed(message)`; each returns `{ quality(index), latency(), stop() }`, index -1 for automatic.
 */

const RETRY_AFTER = 'retry-after';

/** hls.js 1.7 and dash.js 5.2 leave CMCD out of their very first request, so the manifest's URL names the viewer itself. */
const named = (url, sid) => (sid ? `${url}?CMCD=${encodeURIComponent(`sid="${sid}"`)}` : url);
const height = ({ height, bitrate }) => `${height}p · ${Math.round(bitrate / 1000)} kbit/s`;

export function playHls(video, url, sid, on) {
  if (!Hls.isSupported()) return playNatively(video, url, on);
  const cmcd = sid && { sessionId: sid, contentId: 'demo', useHeaders: false };
  const hls = new Hls({ ...(cmcd && { cmcd }), liveSyncDurationCount: 3, backBufferLength: 10 });
  hls.on(Hls.Events.MANIFEST_PARSED, (_event, { levels }) => {
    on.qualities(levels.map(height));
    video.play().catch(() => {}); // a browser that does not want to shows its play button
  });
  hls.on(Hls.Events.ERROR, (_event, { fatal, details, response, networkDetails }) => {
    if (response?.code === 403) on.denied(Number(networkDetails?.getResponseHeader?.(RETRY_AFTER)));
    else if (fatal) on.failed(details);
  });
  hls.loadSource(named(url, sid));
  hls.attachMedia(video);
  return {
    quality: (index) => (hls.nextLevel = index),
    latency: () => hls.latency,
    stop: () => hls.destroy(),
  };
}

/** Safari on older iPhones plays HLS itself, and has no Media Source Extensions for anybody else. */
function playNatively(video, url, on) {
  video.src = url;
  video.onerror = () => on.failed('the browser cannot play this');
  on.qualities([]);
  video.play().catch(() => {});
  return {
    quality() {},
    latency: () => 0,
    stop() {
      video.removeAttribute('src');
      video.load();
    },
  };
}

export function playDash(video, url, sid, on) {
  const player = dashjs.MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      delay: { liveDelay: 4, useSuggestedPresentationDelay: false },
      // the clock of this server, not of a time service elsewhere
      utcSynchronization: { defaultTimingSource: { scheme: 'urn:mpeg:dash:utc:http-head:2014', value: url } },
      ...(sid && { cmcd: { enabled: true, sid, cid: 'demo', mode: 'query' } }),
    },
  });
  let stopped = false;
  player.addResponseInterceptor(async (response) => {
    if (response.status === 403 && !stopped) on.denied(Number(response.headers?.[RETRY_AFTER]));
    return response;
  });
  const { STREAM_INITIALIZED, ERROR } = dashjs.MediaPlayer.events;
  const representations = () => player.getRepresentationsByType('video');
  player.on(STREAM_INITIALIZED, () =>
    on.qualities(representations().map(({ height: h, bandwidth }) => height({ height: h, bitrate: bandwidth }))),
  );
  player.on(ERROR, ({ error }) => on.failed(error?.message ?? 'the player failed'));
  player.initialize(video, named(url, sid), true);
  return {
    quality(index) {
      player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: index < 0 } } } });
      if (index >= 0) player.setRepresentationForTypeByIndex('video', index, true);
    },
    latency: () => player.getCurrentLiveLatency(),
    stop() {
      stopped = true;
      player.destroy();
    },
  };
}
