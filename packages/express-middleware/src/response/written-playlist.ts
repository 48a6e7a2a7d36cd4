import { isUtf8 } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import { gzip } from 'node:zlib';
import vary from 'vary';
import type { PlaybackResponse } from '../connect.js';
import { type Collector, MAX_COLLECTED } from './collected-body.js';
import { decode } from './decode.js';

/** Compressing anything shorter saves nothing. Bytes. */
const SHORTEST_COMPRESSED = 1024;

/** Headers that describe the original text, or let a cache keep what is meant for a single viewer. */
const NO_LONGER_TRUE = [
  ...['ETag', 'Last-Modified', 'Accept-Ranges', 'Content-Length', 'Content-Encoding', 'Transfer-Encoding', 'Trailer'],
  ...['Content-MD5', 'Digest', 'Repr-Digest', 'Content-Digest'],
  ...['Expires', 'Surrogate-Control', 'CDN-Cache-Control', 'Cloudflare-CDN-Cache-Control'],
];

/** How many playlists tokens were written into, and why not into others. */
export interface PlaylistCounts {
  /** Sent with the token. */
  written: number;
  /** Longer than 4 MB: passed on unchanged. */
  tooLong: number;
  /** Not a playlist, or in an unsupported encoding: passed on unchanged. */
  unreadable: number;
}

/** Changes the text of a playlist in transit; anything unreadable is sent unchanged. */
export class WrittenPlaylist implements Collector {
  constructor(
    private readonly res: PlaybackResponse,
    private readonly counts: PlaylistCounts,
    private readonly compress: boolean,
    /** Undefined: it is not a playlist. */
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

  /** It runs long after the handler has returned: an exception here would end the process. */
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

/** Only the head, for HEAD: as for a GET, except for the length, which is unknown without the text. */
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

/** Makes the response private to this viewer. */
function makePrivate(res: PlaybackResponse): void {
  for (const name of NO_LONGER_TRUE) res.removeHeader(name);
  res.setHeader('Cache-Control', 'no-store');
}
