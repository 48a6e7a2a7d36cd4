/** As many as version 4 keeps at the most. */
const MAX_PACKETS = 4096;

/** What a server keeps for newcomers, everything since the latest key frame, in one of two forms. */
export type Gop = Set<Buffer> | null | undefined;

/** A publisher whose pictures have no key frame would make the server keep all of them. */
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

  /** So many bytes have come in. They are counted as they came: less than a packet before the key frame may be among them. */
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
