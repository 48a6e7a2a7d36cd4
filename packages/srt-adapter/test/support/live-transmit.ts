import { spawn, type ChildProcess } from 'node:child_process';

interface Options {
  passphrase?: string;
  host?: string;
  publishes?: boolean;
}

const TURN_MS = 10;

/** srt-live-transmit as a player, or a publisher of what it makes up, a process of its own. */
export class LiveTransmit {
  private bytes = 0;
  private over = false;
  told = '';
  readonly process: ChildProcess;

  constructor(port: number, streamId: string, { passphrase, host = '127.0.0.1', publishes = false }: Options = {}) {
    const query = new URLSearchParams({
      mode: 'caller',
      streamid: streamId,
      latency: '20',
      ...(passphrase && { passphrase }),
    });
    // its parser of addresses takes nothing escaped
    const address = `srt://${host}:${port}?${decodeURIComponent(query.toString())}`;
    const way = publishes ? ['file://con', address] : [address, 'file://con'];
    this.process = spawn('srt-live-transmit', ['-q', '-a:no', ...way], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.process.stdin!.on('error', () => undefined); // it has ended
    if (publishes) this.makeMedia();
    this.process.stdout!.on('data', (data: Buffer) => (this.bytes += data.length));
    this.process.stderr!.on('data', (data: Buffer) => (this.told = (this.told + data.toString()).slice(0, 4000)));
    this.process.once('error', (error) => (this.told += error.message));
    this.process.once('close', () => (this.over = true));
  }

  /** Frozen, it is there and does nothing: not even its part of the protocol. */
  freeze(): void {
    this.process.kill('SIGSTOP');
  }

  private makeMedia(): void {
    const packet = Buffer.alloc(1316, 0x47);
    const making = setInterval(() => this.process.stdin!.write(packet), TURN_MS);
    this.process.once('close', () => clearInterval(making));
  }

  received(): number {
    return this.bytes;
  }

  get ended(): boolean {
    return this.over;
  }

  /** It says goodbye; a player that is killed does not, and is noticed later. */
  drop(): void {
    this.process.kill('SIGCONT');
    this.process.kill('SIGTERM');
  }
}
