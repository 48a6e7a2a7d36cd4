import { fork } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A live test channel named `demo`, as files below a temporary folder. */
export interface Channel {
  /** The folder to serve. It holds `demo/`, and is gone when the channel has ended. */
  readonly folder: string;
  /** Resolves when the first segments are there: made by ffmpeg, or the sample where ffmpeg is missing. */
  readonly onAir: Promise<'ffmpeg' | 'sample'>;
  /** Resolves when the channel has ended, asked or not. */
  readonly ended: Promise<void>;
  /** Ends the channel's process and ffmpeg, and removes the folder. */
  stop(): Promise<void>;
}

/** Puts the channel on air. It ends with this process at the latest, however this process ends. */
export function startChannel(): Channel {
  const folder = mkdtempSync(path.join(tmpdir(), 'live-origin-'));
  // detached: a Ctrl-C in the terminal is for the server, which then ends the channel
  const child = fork(path.join(__dirname, 'channel-process.js'), [folder], { detached: true, execArgv: [] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    folder,
    onAir: new Promise((resolve) =>
      child.once('message', (message) => resolve((message as { source: 'ffmpeg' | 'sample' }).source)),
    ),
    ended,
    stop: () => {
      if (child.connected) child.disconnect();
      return ended;
    },
  };
}
