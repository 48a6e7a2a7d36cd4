/** The most packets that version 4 keeps. */
const MAX_PACKETS = 4096;

/** What a server keeps for newcomers, everything since the latest key frame, in one of two forms. */
export type Gop = Set<Buffer> | null | undefined;

/** Bounds it, since a publisher whose video has no key frames would make the server keep everything. */
export class GopBound {
  private gop: Gop = undefined;
  private packets = 0;
  private bytes = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly current: () => Gop,
    /** Both forms. */
    private readonly forget: () => void,
  ) {}

  /**
   * This many bytes have come in. They are counted as they arrive, so less than a packet from before the key frame may be
   * included.
   */
  grew(bytes: number): void {
    const gop = this.current();
    const packets = gop?.size ?? 0;
    if (gop !== this.gop || packets < this.packets) this.bytes = 0;
    this.gop = gop;
    this.packets = packets;
    this.bytes += bytes;
    if (this.bytes <= this.maxBytes && packets <= MAX_PACKETS) return;
    this.forget();
    this.bytes = 0;
  }
}
