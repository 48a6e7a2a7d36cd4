import { spawn, type ChildProcess } from 'node:child_process';

/** srt-live-transmit as a player, a process of its own. */
export class LiveTransmit {
  private bytes = 0;
  private over = false;
  told = '';
  readonly process: ChildProcess;

  constructor(
    port: number,
    streamId: string,
    { passphrase, host = '127.0.0.1' }: { passphrase?: string; host?: string } = {},
  ) {
    const query = new URLSearchParams({
      mode: 'caller',
      streamid: streamId,
      latency: '20',
      ...(passphrase && { passphrase }),
    });
    // its parser of addresses takes nothing escaped
    const address = `srt://${host}:${port}?${decodeURIComponent(query.toString())}`;
    this.process = spawn('srt-live-transmit', ['-q', '-a:no', address, 'file://con'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout!.on('data', (data: Buffer) => (this.bytes += data.length));
    this.process.stderr!.on('data', (data: Buffer) => (this.told = (this.told + data.toString()).slice(0, 4000)));
    this.process.once('error', (error) => (this.told += error.message));
    this.process.once('close', () => (this.over = true));
  }

  received(): number {
    return this.bytes;
  }

  get ended(): boolean {
    return this.over;
  }

  /** It says goodbye; a player that is killed does not, and is noticed later. */
  drop(): void {
    this.process.kill('SIGTERM');
  }
}
