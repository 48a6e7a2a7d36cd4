/** Calls with a video packet, fifty times a second by default: a header first where H.264 wants one, and each tenth is a key frame. */
export function videoSource(
  packetBytes: number,
  codec: number,
  send: (video: Buffer, timestamp: number) => void,
  everyMs = 20,
): NodeJS.Timeout {
  let n = 0;
  const video = (...head: number[]) => Buffer.concat([Buffer.from([...head, 0, 0, 0]), Buffer.alloc(packetBytes, n)]);
  if (codec === 7) send(video(0x17, 0), 0);
  return setInterval(() => {
    n++;
    send(video((n % 10 === 1 ? 0x10 : 0x20) | codec, 1), n * everyMs);
  }, everyMs);
}
