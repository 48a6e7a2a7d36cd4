import { bodyLength, parseHead, type RequestHead, type RtspRequest } from './request.js';

/** Receives what a connection sends, once parsed. Both methods are called synchronously. */
export interface ParserSink {
  request(request: RtspRequest): void;
  /** Interleaved binary data (RFC 2326 §10.12). The payload is a view of the socket's buffer. */
  frame(channel: number, payload: Buffer): void;
}

/** The input is not RTSP, or too long; nothing that follows can be understood. */
export class RtspSyntaxError extends Error {
  constructor(
    readonly status: 400 | 413 | 414,
    message: string,
  ) {
    super(message);
    this.name = 'RtspSyntaxError';
  }
}

export const MAX_HEAD_BYTES = 16 * 1024;
export const MAX_BODY_BYTES = 64 * 1024;
/** Room for the longest token possible, and for escapes in it. */
export const MAX_URL_LENGTH = 8 * 1024;
/** How much may wait behind a request that has not been answered yet. */
export const MAX_HELD_BYTES = 64 * 1024;

const DOLLAR = 0x24;
const CR = 0x0d;
const LF = 0x0a;
const FRAME_HEAD_BYTES = 4;
/** The longest end of a head: an empty line, and the end of the line before it. */
const LONGEST_END = 4;

/**
 * Separates the requests and interleaved frames on one connection, however the network split them. Bounded: it holds no more than
 * one of them, and what arrived while it was held.
 */
export class RtspParser {
  private input: Buffer | undefined = undefined;
  private at = 0;
  /** The buffer of `input`, with spare room, while something arrives in many pieces. */
  private store: Buffer | undefined = undefined;
  private stored = 0;
  /** How far the input has already been searched for the end of a head. */
  private searched = 0;
  /** A request whose body is still arriving. */
  private head: RequestHead | undefined = undefined;
  private bodyBytes = 0;
  private held = false;
  private running = false;
  private stopped = false;

  constructor(private readonly sink: ParserSink) {}

  /** @throws RtspSyntaxError */
  write(chunk: Buffer): void {
    if (this.stopped) return;
    const { input, at } = this;
    if (this.held && chunk.length + (input?.length ?? 0) - at > MAX_HELD_BYTES) {
      throw new RtspSyntaxError(413, 'too much was sent behind a request that is not answered yet');
    }
    this.input = input === undefined ? chunk : this.join(input.subarray(at), chunk);
    this.at = 0;
    this.run();
  }

  /** Pauses until `resume()`: requests are answered one after the other. */
  hold(): void {
    this.held = true;
  }

  /** @throws RtspSyntaxError */
  resume(): void {
    this.held = false;
    this.run();
  }

  /** The connection is over: reports nothing more, and keeps nothing. */
  stop(): void {
    this.stopped = true;
    this.input = this.store = undefined;
    this.head = undefined;
  }

  /**
   * Joins the rest of a frame or request with what followed it. It is copied, usually once, with room for as much again: copying
   * it anew for each of many small pieces would mean thousands of copies.
   */
  private join(rest: Buffer, chunk: Buffer): Buffer {
    let { store } = this;
    if (store === undefined || store.length - this.stored < chunk.length) {
      this.store = store = Buffer.allocUnsafe(rest.length + Math.max(rest.length, chunk.length));
      this.stored = rest.copy(store);
    }
    this.stored += chunk.copy(store, this.stored);
    return store.subarray(this.stored - rest.length - chunk.length, this.stored);
  }

  private run(): void {
    if (this.running) return; // resumed from within the sink
    this.running = true;
    try {
      while (!this.held && !this.stopped && this.step());
    } finally {
      this.running = false;
    }
    const { input } = this;
    if (input !== undefined && this.at === input.length) {
      this.input = this.store = undefined;
      this.at = 0;
    }
  }

  /** Reports one request or frame; false if it is not complete. */
  private step(): boolean {
    const { input } = this;
    if (input === undefined) return false;
    if (this.head !== undefined) return this.body(input);
    const first = input[this.at];
    if (first === undefined) return false;
    if (first === DOLLAR) return this.frame(input);
    // §4.2 of HTTP/1.1: empty lines before a request are skipped.
    if (first === CR || first === LF) {
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
    if (first < 0x41 || first > 0x5a) throw new RtspSyntaxError(400, 'this is not an RTSP request');
    const { at } = this;
    const next = behindHead(input, Math.max(at, at + this.searched - LONGEST_END));
    if ((next < 0 ? input.length : next) - at > MAX_HEAD_BYTES) {
      throw new RtspSyntaxError(413, `headers are longer than ${MAX_HEAD_BYTES} bytes`);
    }
    if (next < 0) {
      this.searched = input.length - at;
      return false;
    }
    this.searched = 0;
    const head = parseHead(input.toString('utf8', at, next));
    const length = head === undefined ? undefined : bodyLength(head);
    if (head === undefined || length === undefined) throw new RtspSyntaxError(400, 'this is not an RTSP request');
    if (head.uri.length > MAX_URL_LENGTH) {
      throw new RtspSyntaxError(414, `the URL is longer than ${MAX_URL_LENGTH} characters`);
    }
    if (length > MAX_BODY_BYTES) throw new RtspSyntaxError(413, `the body is longer than ${MAX_BODY_BYTES} bytes`);
    this.head = head;
    this.bodyBytes = length;
    this.at = next;
    return this.body(input);
  }

  private body(input: Buffer): boolean {
    const { head, at, bodyBytes } = this;
    if (head === undefined || input.length - at < bodyBytes) return false;
    this.head = undefined;
    this.at = at + bodyBytes;
    if (head.method === '') return true;
    // A copy, because a view would keep the whole buffer for as long as it describes the stream.
    this.sink.request({ ...head, body: Buffer.from(input.subarray(at, at + bodyBytes)) });
    return true;
  }
}

/**
 * Where the body begins: after the first empty line. Lines end with CRLF, or with LF alone (RFC 2326 §4: receivers "should be
 * prepared" for it). -1 if there is none yet.
 */
function behindHead(input: Buffer, from: number): number {
  for (let lf = input.indexOf(LF, from); lf >= 0; lf = input.indexOf(LF, lf + 1)) {
    const next = input[lf + 1] === CR ? lf + 2 : lf + 1;
    if (input[next] === LF) return next + 1;
  }
  return -1;
}
