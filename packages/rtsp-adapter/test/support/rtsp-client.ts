import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface Response {
  readonly status: number;
  readonly phrase: string;
  /** In lower case; several of one name are an array joined by newlines. */
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface ClientOptions {
  readonly secure?: boolean;
  readonly over?: 'tcp' | 'udp';
  readonly host?: string;
}

export const SDP = [
  'v=0',
  'o=- 0 0 IN IP4 127.0.0.1',
  's=test',
  't=0 0',
  'm=video 0 RTP/AVP 96',
  'a=rtpmap:96 H264/90000',
  'a=control:streamid=0',
  'm=audio 0 RTP/AVP 97',
  'a=rtpmap:97 MPEG4-GENERIC/44100/1',
  'a=control:streamid=1',
  '',
].join('\r\n');

const NOTHING = Buffer.alloc(0);

/** An RTP packet (or, with type 200, a sender report) of this length. */
export function packet(sequence: number, bytes = 500, type = 96): Buffer {
  const out = Buffer.alloc(bytes, sequence);
  out[0] = 0x80;
  out[1] = type;
  out.writeUInt16BE(sequence & 0xffff, 2);
  return out;
}

export function frame(channel: number, payload: Buffer): Buffer {
  const head = Buffer.from([0x24, channel, 0, 0]);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

/** A bare RTSP client: says what it is told to, counts the media it gets, and remembers what it was answered. */
export class RtspClient {
  readonly responses: Response[] = [];
  /** By channel, or by `2 * track + isRtcp` of UDP. */
  readonly packets: { channel: number; payload: Buffer }[] = [];
  mediaBytes = 0;
  ended = false;
  session: string | undefined;
  authorization: string | undefined;
  readonly socket: Socket;
  private input: Buffer = Buffer.alloc(0);
  private cseq = 0;
  /** Who waits for an answer looks again when there is one, or the end. */
  private waiting: (() => void)[] = [];
  private timer: NodeJS.Timeout | undefined;
  private readonly udp: UdpSocket[] = [];
  /** Where the server takes UDP of each track. */
  private readonly serverPorts: number[] = [];

  constructor(
    readonly port: number,
    readonly options: ClientOptions = {},
  ) {
    const { secure = false, host = '127.0.0.1' } = options;
    this.socket = secure ? connectTls({ port, host, rejectUnauthorized: false }) : connect(port, host);
    this.socket.setNoDelay(true); // else what is said behind something else waits for 40 ms
    this.socket.on('data', (data: Buffer) => this.take(data));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => this.drop());
  }

  url(path: string): string {
    return `rtsp://127.0.0.1:${this.port}${path}`;
  }

  say(data: Buffer | string): void {
    if (this.socket.writable) this.socket.write(data);
  }

  /** The answer; with status 0 when the connection ended instead. */
  async ask(method: string, uri: string, headers: Record<string, string> = {}, body = ''): Promise<Response> {
    const cseq = String(++this.cseq);
    const all: Record<string, string> = { CSeq: cseq, ...headers };
    if (this.session !== undefined) all['Session'] ??= this.session;
    if (this.authorization !== undefined) all['Authorization'] ??= this.authorization;
    if (body !== '') all['Content-Length'] ??= String(Buffer.byteLength(body));
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.say(`${method} ${uri} RTSP/1.0\r\n${lines.join('')}\r\n${body}`);
    for (;;) {
      const answer = this.responses.find((response) => response.headers['cseq'] === cseq);
      if (answer !== undefined) return answer;
      if (this.ended) return { status: 0, phrase: '', headers: {}, body: '' };
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** DESCRIBE, SETUP of both tracks, PLAY; stops at the first no, and hangs up. */
  async play(path: string, headers: Record<string, string> = {}): Promise<Response> {
    const described = await this.ask('DESCRIBE', this.url(path), { Accept: 'application/sdp', ...headers });
    if (described.status !== 200) return this.givenUp(described);
    for (const track of [0, 1]) {
      const response = await this.setUp(`${this.url(path)}/trackID=${track}`, track, headers);
      if (response.status !== 200) return this.givenUp(response);
    }
    const played = await this.ask('PLAY', this.url(path), headers);
    return played.status === 200 ? played : this.givenUp(played);
  }

  /** ANNOUNCE, SETUP of both tracks, RECORD, and then about 100 packets a second. */
  async publish(path: string, headers: Record<string, string> = {}, sdp = SDP, packetBytes = 500): Promise<Response> {
    const announced = await this.announce(path, headers, sdp);
    if (announced.status !== 200) return this.givenUp(announced);
    for (const track of [0, 1]) {
      const response = await this.setUp(`${this.url(path)}/streamid=${track}`, track, headers, ';mode=record');
      if (response.status !== 200) return this.givenUp(response);
    }
    const recorded = await this.ask('RECORD', this.url(path), headers);
    if (recorded.status !== 200) return this.givenUp(recorded);
    let n = 0;
    this.timer = setInterval(() => {
      n++;
      this.send(0, packet(n, packetBytes));
      this.send(2, packet(n, 100, 97));
      if (n % 20 === 1) this.send(1, packet(n, 28, 200));
    }, 20);
    return recorded;
  }

  announce(path: string, headers: Record<string, string> = {}, sdp = SDP): Promise<Response> {
    return this.ask('ANNOUNCE', this.url(path), { 'Content-Type': 'application/sdp', ...headers }, sdp);
  }

  /** Sends on a lane, if there is room. */
  send(lane: number, payload: Buffer): void {
    if (this.options.over === 'udp') {
      const [socket, port] = [this.udp[lane], this.serverPorts[lane]];
      if (socket !== undefined && port !== undefined) socket.send(payload, port, '127.0.0.1', () => undefined);
    } else if (this.socket.writableLength < 4_000_000) this.say(frame(lane, payload));
  }

  async setUp(uri: string, track: number, headers: Record<string, string> = {}, more = ''): Promise<Response> {
    const transport =
      this.options.over === 'udp'
        ? await this.openUdp(track)
        : `RTP/AVP/TCP;unicast;interleaved=${2 * track}-${2 * track + 1}`;
    const response = await this.ask('SETUP', uri, { Transport: transport + more, ...headers });
    this.session ??= response.headers['session']?.split(';')[0];
    const ports = /server_port=(\d+)-(\d+)/.exec(response.headers['transport'] ?? '');
    if (ports !== null) this.serverPorts.splice(2 * track, 2, Number(ports[1]), Number(ports[2]));
    return response;
  }

  /** Goes on being connected, and sends nothing any more. */
  fallSilent(): void {
    clearInterval(this.timer);
  }

  drop(): void {
    clearInterval(this.timer);
    this.socket.destroy();
    this.udp.splice(0).forEach((socket) => socket.close());
    this.ended = true;
    this.waiting.splice(0).forEach((look) => look());
  }

  private givenUp(response: Response): Response {
    this.drop();
    return response;
  }

  private async openUdp(track: number): Promise<string> {
    const ports: number[] = [];
    for (const lane of [2 * track, 2 * track + 1]) {
      const socket = createSocket('udp4');
      socket.on('message', (payload) => this.got(lane, payload));
      socket.on('error', () => undefined);
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
      this.udp[lane] = socket;
      ports.push(socket.address().port);
    }
    return `RTP/AVP;unicast;client_port=${ports.join('-')}`;
  }

  private got(channel: number, payload: Buffer): void {
    this.mediaBytes += payload.length;
    if (this.packets.length < 1000) this.packets.push({ channel, payload: Buffer.from(payload) });
  }

  private take(data: Buffer): void {
    this.input = Buffer.concat([this.input, data]);
    while (this.one());
    if (this.input.length === 0) this.input = NOTHING; // a part of it would keep all that was read with it
    this.waiting.splice(0).forEach((look) => look());
  }

  private one(): boolean {
    const { input } = this;
    if (input[0] === 0x24) {
      if (input.length < 4 || input.length < 4 + input.readUInt16BE(2)) return false;
      const end = 4 + input.readUInt16BE(2);
      this.got(input[1] as number, input.subarray(4, end));
      this.input = input.subarray(end);
      return true;
    }
    const end = input.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [first = '', ...lines] = input.toString('utf8', 0, end).split('\r\n');
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const [name = '', ...rest] = line.split(': ');
      const key = name.toLowerCase();
      headers[key] = headers[key] === undefined ? rest.join(': ') : `${headers[key]}\n${rest.join(': ')}`;
    }
    const bodyEnd = end + 4 + Number(headers['content-length'] ?? 0);
    if (input.length < bodyEnd) return false;
    const [, status, phrase = ''] = /^RTSP\/1\.0 (\d{3}) (.*)$/.exec(first) ?? [];
    this.responses.push({ status: Number(status), phrase, headers, body: input.toString('utf8', end + 4, bodyEnd) });
    this.input = input.subarray(bodyEnd);
    return true;
  }
}
