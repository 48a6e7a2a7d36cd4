import { LuaError } from '../lua/values.js';
import type { Command, Stream, StreamEntry } from './store.js';

type Id = readonly [ms: number, seq: number];

function idOf(text: string): Id {
  const [ms = '', seq = '0'] = text.split('-');
  return [Number(ms), Number(seq)];
}

const isAfter = ([ms, seq]: Id, [otherMs, otherSeq]: Id): boolean => ms > otherMs || (ms === otherMs && seq > otherSeq);

/** The entries after an id. */
export const entriesAfter = ({ entries }: Stream, position: string): StreamEntry[] => {
  const at = idOf(position);
  let from = entries.length;
  while (from > 0 && isAfter(idOf((entries[from - 1] as StreamEntry).id), at)) from--;
  return entries.slice(from);
};

function trim(stream: Stream, options: readonly string[]): number {
  const at = options.indexOf('MAXLEN');
  if (at < 0) return 0;
  const max = Number(options[at + 1] === '~' || options[at + 1] === '=' ? options[at + 2] : options[at + 1]);
  return stream.entries.splice(0, Math.max(0, stream.entries.length - max)).length;
}

export const STREAM_COMMANDS: Readonly<Record<string, Command>> = {
  XADD: (store, key, args) => {
    const star = args.indexOf('*');
    if (star < 0) throw new LuaError('ERR only the id "*" is known here');
    const stream = store.write(key, 'stream');
    if (store.now > stream.lastMs) [stream.lastMs, stream.lastSeq] = [Math.floor(store.now), -1];
    const id = `${stream.lastMs}-${++stream.lastSeq}`;
    stream.entries.push({ id, fields: args.slice(star + 1) });
    trim(stream, args.slice(0, star));
    return id;
  },
  XLEN: (store, key) => store.read(key, 'stream')?.entries.length ?? 0,
  XDEL: (store, key, ids) => {
    const stream = store.read(key, 'stream');
    if (stream === undefined) return 0;
    const before = stream.entries.length;
    const gone = new Set(ids);
    stream.entries = stream.entries.filter(({ id }) => !gone.has(id));
    return before - stream.entries.length;
  },
  XTRIM: (store, key, options) => {
    const stream = store.read(key, 'stream');
    return stream === undefined ? 0 : trim(stream, options);
  },
};
