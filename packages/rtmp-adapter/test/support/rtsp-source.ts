import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

const SDP = [
  'v=0',
  'o=- 0 0 IN IP4 127.0.0.1',
  's=camera',
  't=0 0',
  'm=video 0 RTP/AVP 96',
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAHtoCgL/lwFqAgICgAAADACAAAAZR4sXU,aM48gA==',
  'a=control:track1',
  '',
].join('\r\n');

/** A camera: whoever connects gets video, in RTP between the answers of RTSP (RFC 2326, 10.12). */
export class RtspSource {
  connections = 0;
  sent = 0;
  /** Sends media in one piece with the answer to PLAY, as some cameras do. */
  eager = false;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((socket) => this.serve(socket));

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get open(): number {
    return this.sockets.size;
  }

  /** Hangs up on everybody, and is there for the next. */
  hangUp(): void {
    this.sockets.forEach((socket) => socket.destroy());
  }

  drop(): void {
    this.hangUp();
    this.server.close();
  }

  private serve(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    let [text, timer, n] = ['', undefined as NodeJS.Timeout | undefined, 0];
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(timer);
      this.sockets.delete(socket);
    });
    socket.on('data', (data: Buffer) => {
      text += data.toString();
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const request = text.slice(0, end);
        text = text.slice(end + 4);
        const answer = this.answer(request);
        if (!request.startsWith('PLAY ')) this.write(socket, answer);
        else {
          this.write(socket, ...[answer, ...(this.eager ? [packet(0)] : [])]);
          timer = setInterval(() => this.write(socket, packet(++n)), 20);
        }
      }
    });
  }

  private answer(request: string): Buffer {
    const [, cseq = '0'] = /^CSeq: (\d+)/im.exec(request) ?? [];
    const [, transport = ''] = /^Transport: (.+)$/im.exec(request) ?? [];
    const lines = ['RTSP/1.0 200 OK', `CSeq: ${cseq}`, 'Session: 1'];
    if (request.startsWith('SETUP ')) lines.push(`Transport: ${transport}`);
    const body = request.startsWith('DESCRIBE ') ? SDP : '';
    if (body) lines.push('Content-Type: application/sdp', `Content-Length: ${body.length}`);
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
  }

  private write(socket: Socket, ...parts: Buffer[]): void {
    const data = Buffer.concat(parts);
    socket.write(data);
    this.sent += data.length;
  }
}

/** An RTP packet of one H.264 slice; every tenth a key frame. */
function packet(n: number): Buffer {
  const nal = Buffer.alloc(1000, n);
  nal[0] = n % 10 === 0 ? 0x65 : 0x41;
  const head = Buffer.alloc(16);
  head[0] = 0x24; // interleaved, channel 0
  head.writeUInt16BE(12 + nal.length, 2);
  head[4] = 0x80;
  head[5] = 0x80 | 96; // the last of its picture
  head.writeUInt16BE(n & 0xffff, 6);
  head.writeUInt32BE(n * 1800, 8);
  return Buffer.concat([head, nal]);
}
