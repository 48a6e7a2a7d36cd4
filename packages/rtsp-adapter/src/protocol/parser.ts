import { bodyLength, parseHead, type RequestHead, type RtspRequest } from './request.js';

/** What a connection says, as it is understood. Both are called synchronously. */
export interface ParserSink {
  request(request: RtspRequest): void;
  /** Interleaved binary data (RFC 2326 §10.12). The payload is a view of what the socket has read. */
  frame(channel: number, payload: Buffer): void;
}

/** This is no RTSP, or too much of it; nothing that follows can be understood. */
export class RtspSyntaxError extends Error {
  constructor(
    readonly status: 400 | 413,
    message: string,
  ) {
    super(message);
    this.name = 'RtspSyntaxError';
  }
}

export const MAX_HEAD_BYTES = 16 * 1024;
export const MAX_BODY_BYTES = 64 * 1024;
/** What may wait behind a request that is not answered yet: one frame, one request, and some. */
const MAX_HELD_BYTES = 160 * 1024;

const DOLLAR = 0x24;
const FRAME_HEAD_BYTES = 4;
const END_OF_HEAD = '\r\n\r\n';

/**
 * Tells apart the requests and the interleaved frames on one connection, however they were cut by the network. Bounded:
 * it keeps no more than one of them, and what came while it was held.
 */
export class RtspParser {
  private input: Buffer | undefined = undefined;
  private at = 0;
  /** Where the end of a head has been looked for already. */
  private searched = 0;
  /** A request whose body is on its way. */
  private head: RequestHead | undefined = undefined;
  private bodyBytes = 0;
  private held = false;
  private running = false;
  private stopped = false;

  constructor(private readonly sink: ParserSink) {}

  /** @throws RtspSyntaxError */
  write(chunk: Buffer): void {
    if (this.stopped) return;
    if (this.input === undefined) this.input = chunk;
    else {
      // The rest of one frame or request: copied once more when what completes it arrives.
      this.input = Buffer.concat([this.input.subarray(this.at), chunk]);
      this.at = 0;
    }
    if (this.held && this.input.length - this.at > MAX_HELD_BYTES) {
      throw new RtspSyntaxError(413, 'too much was sent behind a request that is not answered yet');
    }
    this.run();
  }

  /** Nothing more is told until `resume()`: requests are answered one after the other. */
  hold(): void {
    this.held = true;
  }

  /** @throws RtspSyntaxError */
  resume(): void {
    this.held = false;
    this.run();
  }

  /** The connection is over: tells nothing any more, and keeps nothing. */
  stop(): void {
    this.stopped = true;
    this.input = undefined;
    this.head = undefined;
  }

  private run(): void {
    if (this.running) return; // told to resume from inside the sink
    this.running = true;
    try {
      while (!this.held && !this.stopped && this.step());
    } finally {
      this.running = false;
    }
    const { input } = this;
    if (input !== undefined && this.at === input.length) {
      this.input = undefined;
      this.at = 0;
    }
  }

  /** Tells one thing; false when it is not all there. */
  private step(): boolean {
    const { input } = this;
    if (input === undefined) return false;
    if (this.head !== undefined) return this.body(input);
    const first = input[this.at];
    if (first === undefined) return false;
    if (first === DOLLAR) return this.frame(input);
    // §4.2 of HTTP/1.1: empty lines before a request are passed over.
    if (first === 0x0d || first === 0x0a) {
      this.at++;
      return true;
    }
    return this.request(input, first);
  }

  private frame(input: Buffer): boolean {
    const { at } = this;
    const start = at + FRAME_HEAD_BYTES;
    if (input.length < start) return false;
    const end = start + (((input[at + 2] as number) << 8) | (input[at + 3] as number));
    if (input.length < end) return false;
    this.at = end;
    this.sink.frame(input[at + 1] as number, input.subarray(start, end));
    return true;
  }

  private request(input: Buffer, first: number): boolean {
    if (first < 0x41 || first > 0x5a) throw new RtspSyntaxError(400, 'this is no RTSP request');
    const { at } = this;
    const end = input.indexOf(END_OF_HEAD, Math.max(at, at + this.searched - END_OF_HEAD.length), 'latin1');
    if (end < 0 ? input.length - at > MAX_HEAD_BYTES : end - at > MAX_HEAD_BYTES) {
      throw new RtspSyntaxError(413, `headers are longer than ${MAX_HEAD_BYTES} bytes`);
    }
    if (end < 0) {
      this.searched = input.length - at;
      return false;
    }
    this.searched = 0;
    const head = parseHead(input.toString('utf8', at, end));
    const length = head === undefined ? undefined : bodyLength(head);
    if (head === undefined || length === undefined) throw new RtspSyntaxError(400, 'this is no RTSP request');
    if (length > MAX_BODY_BYTES) throw new RtspSyntaxError(413, `the body is longer than ${MAX_BODY_BYTES} bytes`);
    this.head = head;
    this.bodyBytes = length;
    this.at = end + END_OF_HEAD.length;
    return this.body(input);
  }

  private body(input: Buffer): boolean {
    const { head, at, bodyBytes } = this;
    if (head === undefined || input.length - at < bodyBytes) return false;
    this.head = undefined;
    this.at = at + bodyBytes;
    if (head.method === '') return true;
    // A copy: the view would keep all that was read with it, for as long as the stream is described by it.
    this.sink.request({ ...head, body: Buffer.from(input.subarray(at, at + bodyBytes)) });
    return true;
  }
}
