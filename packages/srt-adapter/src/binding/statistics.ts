/** What libsrt has measured about a connection since it was established. */
export interface SrtStatistics {
  /** Round trip time, in milliseconds. */
  readonly rttMs: number;
  /** Data packets sent, each counted once. */
  readonly packetsSent: number;
  readonly packetsReceived: number;
  /** Packets lost in transit, in either direction; most are retransmitted, and arrive. */
  readonly packetsLost: number;
  /** Packets that we had to retransmit or, as far as is visible here, the peer. */
  readonly packetsRetransmitted: number;
  /** Packets given up because they were too late to be useful, or there was no room for them. */
  readonly packetsDropped: number;
  /** Bytes that the peer has not acknowledged yet. */
  readonly bytesWaiting: number;
}

/** Bytes of libsrt's SRT_TRACEBSTATS: 496 in 1.5, plus room for future fields. */
const STRUCT_BYTES = 1024;

/** Reads SRT_TRACEBSTATS; one buffer serves all connections. The offsets are the same from 1.4 on. */
export class StatisticsReader {
  private readonly memory = new ArrayBuffer(STRUCT_BYTES);
  private readonly int32 = new Int32Array(this.memory);
  private readonly int64 = new BigInt64Array(this.memory);
  private readonly float64 = new Float64Array(this.memory);
  readonly buffer = new Uint8Array(this.memory);

  /** The statistics just written into the buffer. */
  read(dropped: number): SrtStatistics {
    const resent = this.int(32);
    return {
      rttMs: this.float64[328 / 8] as number, // msRTT
      packetsSent: this.long(8) - resent, // pktSentTotal counts them twice
      packetsReceived: this.long(16), // pktRecvTotal
      packetsLost: this.int(24) + this.int(28), // pktSndLossTotal, pktRcvLossTotal
      packetsRetransmitted: resent, // pktRetransTotal
      packetsDropped: dropped + this.int(64) + this.int(68), // pktSndDropTotal, pktRcvDropTotal
      bytesWaiting: this.int(368), // byteSndBuf
    };
  }

  private int(offset: number): number {
    return this.int32[offset / 4] as number;
  }

  private long(offset: number): number {
    return Number(this.int64[offset / 8]);
  }
}
