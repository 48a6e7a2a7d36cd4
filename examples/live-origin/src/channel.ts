import { fork } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A live test channel named `demo`: files below a temporary folder, and published to other servers. */
export interface Channel {
  /** The folder to serve. It will hold `demo/`, and is gone when the channel has ended. */
  readonly folder: string;
  /** Starts it. With ffmpeg it is also published to these URLs (RTMP, RTSP, SRT), again and again where one is lost. */
  putOnAir(publishTo: readonly string[]): void;
  /** Ends ffmpeg until it is put on air again. Resolves when nothing of it is left. */
  takeOffAir(): Promise<void>;
  /** Resolves when the first segments are there: made by ffmpeg, or the sample where ffmpeg is missing. */
  readonly onAir: Promise<'ffmpeg' | 'sample'>;
  /** Resolves when the channel has ended, asked or not. */
  readonly ended: Promise<void>;
  /** Ends the channel's process and ffmpeg, and removes the folder. */
  stop(): Promise<void>;
}

type Source = 'ffmpeg' | 'sample';

/** Makes the folder and the process of the channel. They end with this process at the latest, however this process ends. */
export function createChannel(): Channel {
  const folder = mkdtempSync(path.join(tmpdir(), 'live-origin-'));
  // detached: a Ctrl-C in the terminal is for the server, which then ends the channel
  const child = fork(path.join(__dirname, 'channel-process.js'), [folder], { detached: true, execArgv: [] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const told = (): Promise<Source> =>
    new Promise((resolve) => child.once('message', (message) => resolve((message as { source: Source }).source)));
  let onAir = told();
  return {
    folder,
    putOnAir: (publishTo) => void child.send(publishTo),
    takeOffAir: async () => {
      await onAir;
      const off = told();
      child.send('off');
      await off;
      onAir = told();
    },
    get onAir() {
      return onAir;
    },
    ended,
    stop: () => {
      if (child.connected) child.disconnect();
      return ended;
    },
  };
}
