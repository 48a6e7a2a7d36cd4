/** The head of a chunk that begins a message: 12 bytes, and 4 more for a time that does not fit. */
export function chunkHead(chunkStream: number, type: number, length: number, time = 0): Buffer {
  const head = Buffer.alloc(time >= 0xffffff ? 16 : 12);
  head[0] = chunkStream;
  head.writeUIntBE(Math.min(time, 0xffffff), 1, 3);
  head.writeUIntBE(length, 4, 3);
  head[7] = type;
  if (head.length > 12) head.writeUInt32BE(time, 12);
  return head;
}
