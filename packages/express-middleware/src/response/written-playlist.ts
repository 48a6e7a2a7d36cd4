import { isUtf8 } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import { gzip } from 'node:zlib';
import vary from 'vary';
import type { PlaybackResponse } from '../connect.js';
import { type Collector, MAX_COLLECTED } from './collected-body.js';
import { decode } from './decode.js';

/** Compressing less saves nothing. */
const SHORTEST_COMPRESSED = 1024;

/** What is about the text as it was, or lets a cache keep what is meant for one viewer. */
const NO_LONGER_TRUE = [
  ...['ETag', 'Last-Modified', 'Accept-Ranges', 'Content-Length', 'Content-Encoding', 'Transfer-Encoding', 'Trailer'],
  ...['Content-MD5', 'Digest', 'Repr-Digest', 'Content-Digest'],
  ...['Expires', 'Surrogate-Control', 'CDN-Cache-Control', 'Cloudflare-CDN-Cache-Control'],
];

/** What became of the playlists that tokens were to be written into. */
export interface PlaylistCounts {
  /** Sent with the token. */
  written: number;
  /** Longer than 4 MB: passed on as they were. */
  tooLong: number;
  /** No playlist, or in an encoding that nobody can read: passed on as they were. */
  unreadable: number;
}

/** Changes the text of a playlist on its way; whatever cannot be read is sent as it came. */
export class WrittenPlaylist implements Collector {
  constructor(
    private readonly res: PlaybackResponse,
    private readonly counts: PlaylistCounts,
    private readonly compress: boolean,
    /** Undefined: it is no playlist. */
    private readonly change: (text: string) => string | undefined,
    private readonly onTooLong: () => void,
  ) {}

  wants(status: number): boolean {
    return status === 200;
  }

  tooLong(): void {
    this.counts.tooLong++;
    this.onTooLong();
  }

  collected(body: Buffer, send: (body: Buffer) => void): void {
    decode(body, String(this.res.getHeader('Content-Encoding') ?? ''), MAX_COLLECTED, (plain) => {
      const text = plain !== undefined && isUtf8(plain) ? this.changed(plain.toString()) : undefined;
      if (text === undefined) {
        this.counts.unreadable++;
        return send(body);
      }
      this.counts.written++;
      this.sendText(Buffer.from(text), send);
    });
  }

  /** It runs when the handler has long returned: what it throws would end the process. */
  private changed(text: string): string | undefined {
    try {
      return this.change(text);
    } catch {
      return undefined;
    }
  }

  private sendText(text: Buffer, send: (body: Buffer) => void): void {
    const { res } = this;
    const sendAs = (body: Buffer) => {
      res.setHeader('Content-Length', body.length);
      send(body);
    };
    const mayChange = !/\bno-transform\b/i.test(String(res.getHeader('Cache-Control')));
    makePrivate(res);
    if (text.length < SHORTEST_COMPRESSED) return sendAs(text);
    vary(res as ServerResponse, 'Accept-Encoding');
    if (!this.compress || !mayChange) return sendAs(text);
    gzip(text, (error, packed) => {
      if (error !== null) return sendAs(text);
      res.setHeader('Content-Encoding', 'gzip');
      sendAs(packed);
    });
  }
}

/** The head alone, for HEAD: as a GET would get it, but for the length, which nobody knows without the text. */
export class WrittenHead implements Collector {
  constructor(private readonly res: PlaybackResponse) {}

  wants(status: number): boolean {
    return status === 200;
  }

  tooLong(): void {}

  collected(body: Buffer, send: (body: Buffer) => void): void {
    makePrivate(this.res);
    send(body);
  }
}

/** The answer is this viewer's alone. */
function makePrivate(res: PlaybackResponse): void {
  for (const name of NO_LONGER_TRUE) res.removeHeader(name);
  res.setHeader('Cache-Control', 'no-store');
}
