import type { MediaSink, RtmpSession2, V2Session } from './shapes.js';

const MAX_WAITING = 1024 * 1024;
/** Audio, video and data messages. */
const MEDIA = new Set([8, 9, 15, 18]);

/** One that holds while anybody does, and that can be shut for good. */
abstract class Gate {
  private holds = 0;
  protected shut = false;

  hold(): void {
    if (this.holds++ === 0 && !this.shut) this.close();
  }

  release(): void {
    if (--this.holds === 0 && !this.shut) this.open();
  }

  shutForGood(): void {
    if (this.holds === 0 && !this.shut) this.close();
    this.shut = true;
  }

  protected abstract close(): void;
  protected abstract open(): void;
}

const startGates = new WeakMap<V2Session, StartGate>();

/** Keeps a player from joining its publisher: nothing is buffered, and it begins with the latest key frame. */
export class StartGate extends Gate {
  private wanted = false;

  static of(session: V2Session): StartGate {
    let gate = startGates.get(session);
    if (gate === undefined) startGates.set(session, (gate = new StartGate(session)));
    return gate;
  }

  private constructor(private readonly session: V2Session) {
    super();
  }

  private get socket(): { destroy(): unknown } {
    return this.session.TAG === 'rtmp' ? this.session.socket : this.session.req.socket;
  }

  /** The server lets it play, now or when somebody publishes: it is not one that the server itself has refused. */
  get isAccepted(): boolean {
    return this.session.isStarting && (this.wanted || this.session.isIdling);
  }

  protected override close(): void {
    this.wanted = false;
    this.session.onStartPlay = () => {
      this.wanted = true;
    };
  }

  protected override open(): void {
    delete this.session.onStartPlay;
    if (!this.wanted || !this.session.isStarting) return;
    try {
      (this.session as Required<V2Session>).onStartPlay();
    } catch {
      // The publisher has left meanwhile: there is nothing that could be joined. The player may come again.
      this.socket.destroy();
    }
  }
}

const mediaGates = new WeakMap<V2Session, MediaGate>();

/** Keeps the media of a publisher, within bounds, until it may have players. */
export class MediaGate extends Gate {
  private waiting: RtmpSession2['parserPacket'][] = [];
  private bytes = 0;

  static of(session: RtmpSession2): MediaGate {
    let gate = mediaGates.get(session);
    if (gate === undefined) mediaGates.set(session, (gate = new MediaGate(session)));
    return gate;
  }

  private constructor(private readonly session: RtmpSession2) {
    super();
  }

  protected override close(): void {
    const { session } = this;
    const handle = session.rtmpHandler;
    session.rtmpHandler = () => (MEDIA.has(session.parserPacket.header.type) ? this.keep() : handle?.call(session));
  }

  protected override open(): void {
    const { waiting } = this;
    const session = this.session as Required<RtmpSession2>;
    delete this.session.rtmpHandler;
    const current = session.parserPacket;
    for (const message of waiting) {
      session.parserPacket = message;
      session.rtmpHandler();
    }
    session.parserPacket = current;
    this.waiting = [];
    if (this.bytes > MAX_WAITING) session.socket.resume();
    this.bytes = 0;
  }

  private keep(): void {
    if (this.shut) return;
    const { parserPacket: message, socket } = this.session;
    // The parser uses its buffer again for the next message.
    const payload = Buffer.from(message.payload?.subarray(0, message.header.length) ?? []);
    this.waiting.push({ ...message, header: { ...message.header }, payload });
    this.bytes += payload.length + 100;
    if (this.bytes > MAX_WAITING) socket.pause();
  }
}

/** Drops media for a player while too much waits for it. Returns what puts the server's own sink back, and what shuts it. */
export function boundSink(
  session: V2Session,
  outlet: { readonly writableLength: number },
  maxBufferBytes: number,
): { restore(): void; shut(): void } {
  const sink = session.res;
  let full = false;
  let shut = false;
  const bounded: MediaSink = {
    cork: () => sink.cork(),
    uncork: () => sink.uncork(),
    write(data, ...rest) {
      full = outlet.writableLength > (full ? maxBufferBytes / 2 : maxBufferBytes);
      return full || shut ? false : sink.write(data, ...rest);
    },
    end: (...rest) => sink.end(...rest),
  };
  session.res = bounded;
  return {
    restore() {
      if (session.res === bounded) session.res = sink;
    },
    shut() {
      shut = true;
    },
  };
}
