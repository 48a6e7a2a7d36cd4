/** As much of AMF0 as an RTMP client needs. */
export type Amf = string | number | boolean | null | { [name: string]: Amf };

const short = (n: number) => Buffer.from([n >> 8, n & 255]);
const text = (value: string) => Buffer.concat([short(Buffer.byteLength(value)), Buffer.from(value)]);

export function encode(value: Amf): Buffer {
  if (value === null) return Buffer.from([5]);
  if (typeof value === 'boolean') return Buffer.from([1, Number(value)]);
  if (typeof value === 'string') return Buffer.concat([Buffer.from([2]), text(value)]);
  if (typeof value === 'number') {
    const out = Buffer.alloc(9);
    out.writeDoubleBE(value, 1);
    return out;
  }
  const fields = Object.entries(value).flatMap(([name, field]) => [text(name), encode(field)]);
  return Buffer.concat([Buffer.from([3]), ...fields, Buffer.from([0, 0, 9])]);
}

/** All values of a message. */
export function decodeAll(data: Buffer): Amf[] {
  let at = 0;
  const string = (): string => {
    const length = data.readUInt16BE(at);
    at += 2 + length;
    return data.toString('utf8', at - length, at);
  };
  const value = (): Amf => {
    const type = data[at++];
    if (type === 0) return data.readDoubleBE((at += 8) - 8);
    if (type === 1) return data[at++] === 1;
    if (type === 2) return string();
    if (type === 5 || type === 6) return null;
    if (type !== 3) throw new Error(`AMF type ${type}`);
    const object: Record<string, Amf> = {};
    for (let name = string(); data[at] !== 9; name = string()) object[name] = value();
    at++;
    return object;
  };
  const values: Amf[] = [];
  while (at < data.length) values.push(value());
  return values;
}
