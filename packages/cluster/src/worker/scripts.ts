import { createHash } from 'node:crypto';
import type { Reply } from '../link/link.js';
import { library } from '../lua/library.js';
import { parse } from '../lua/parser.js';
import { LuaError, LuaTable, type Value } from '../lua/values.js';
import { command } from './commands.js';
import type { Answer, Store } from './store.js';

interface Script {
  readonly globals: Map<string, Value>;
  readonly run: () => Value[];
}

/** Runs steps on a store, as Redis does: the same scripts, one at a time. */
export class Scripts {
  private readonly known = new Map<string, Script>();

  constructor(private readonly store: Store) {}

  /** @throws LuaError */
  run(lua: string, keys: readonly string[], args: readonly string[]): Reply {
    let script = this.known.get(lua);
    if (script === undefined) this.known.set(lua, (script = this.read(lua)));
    script.globals.set('KEYS', LuaTable.of(keys.map(bytesOf)));
    script.globals.set('ARGV', LuaTable.of(args.map(bytesOf)));
    return replyOf(script.run()[0]);
  }

  private read(lua: string): Script {
    const redis = new LuaTable();
    redis.set('call', (name, ...args) => [valueOf(command(this.store, nameOf(name), args.map(argumentOf)))]);
    redis.set('sha1hex', (of) => [createHash('sha1').update(nameOf(of), 'latin1').digest('hex')]);
    redis.set('error_reply', (text) => [tableWith('err', text)]);
    redis.set('status_reply', (text) => [tableWith('ok', text)]);
    const globals = library();
    for (const [name, value] of Object.entries({ redis, KEYS: undefined, ARGV: undefined })) globals.set(name, value);
    return { globals, run: parse(bytesOf(lua), globals) };
  }
}

const NOT_PLAIN = /[^\0-\x7f]/;

/** One character per byte, as scripts count them. */
const bytesOf = (text: string): string => (NOT_PLAIN.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text);
export const lettersOf = (text: string): string =>
  NOT_PLAIN.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text;

const nameOf = (value: Value): string => {
  if (typeof value === 'string') return value;
  throw new LuaError('a command has a name');
};

const argumentOf = (value: Value): string | number => {
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw new LuaError('arguments of commands must be strings or integers');
};

function tableWith(key: string, value: Value): LuaTable {
  const table = new LuaTable();
  table.set(key, value);
  return table;
}

function valueOf(answer: Answer): Value {
  if (answer === null) return false;
  if (answer === true) return tableWith('ok', 'OK');
  return typeof answer === 'object' ? LuaTable.of(answer.map(valueOf)) : answer;
}

/** Converted as Redis does: whole numbers, and lists up to the first nil. */
function replyOf(value: Value): Reply {
  if (typeof value === 'string') return lettersOf(value);
  if (typeof value === 'number') return Math.trunc(value);
  if (value === true) return 1;
  if (!(value instanceof LuaTable)) return null;
  const [ok, err] = [value.get('ok'), value.get('err')];
  if (typeof err === 'string') throw new LuaError(err);
  return typeof ok === 'string' ? ok : value.list().map(replyOf);
}
