/** Numbers of libsrt's `srt.h`, the same in 1.4 and 1.5. */

/** SRT_SOCKOPT */
export const Option = {
  sendSync: 1,
  receiveSync: 2,
  flowWindow: 4,
  sendBuffer: 5,
  receiveBuffer: 6,
  receiveData: 20,
  latency: 23,
  passphrase: 26,
  keyLength: 27,
  peerVersion: 35,
  sendKeyState: 40,
  streamId: 46,
  payloadSize: 49,
  ipv6Only: 54,
  peerIdleTimeout: 55,
} as const;

/** SRT_EPOLL_OPT */
export const IN = 0x1;
export const ERR = 0x8;

/** SRT_SOCKSTATUS: from this state on, a socket is unusable. */
export const BROKEN = 6;

/** SRT_KM_STATE: encrypted, and both sides have the key. */
export const SECURED = 2;

/** SRT_ERRNO: the send buffer is full. */
export const EASYNCSND = 6001;

/** Bytes of a packet on the wire, without the IP and UDP headers: libsrt's buffers consist of units of this size. */
export const UNIT_BYTES = 1472;

/** Bytes in one packet of live mode: seven MPEG-TS packets, for which players have room by default. */
export const PACKET_BYTES = 1316;

/** Longest stream id that a handshake can carry. */
export const MAX_STREAM_ID_BYTES = 512;
