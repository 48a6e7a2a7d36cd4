/** The values of a script. Strings hold one byte per character, as in Redis; nil is undefined; all numbers are doubles. */
export type Value = undefined | boolean | number | string | LuaTable | LuaFunction;
export type LuaFunction = (...args: Value[]) => Value[];

/** A mistake in a script, or an error that was raised in it. */
export class LuaError extends Error {}

export class LuaTable {
  private readonly entries = new Map<Value, Value>();
  private border = 0;

  static of(values: readonly Value[]): LuaTable {
    const table = new LuaTable();
    values.forEach((value, i) => table.set(i + 1, value));
    return table;
  }

  /** As `#` counts. */
  get length(): number {
    return this.border;
  }

  get(key: Value): Value {
    return this.entries.get(key);
  }

  set(key: Value, value: Value): void {
    if (key === undefined || Number.isNaN(key)) throw new LuaError('a table has no such key');
    if (value === undefined) {
      this.entries.delete(key);
      if (typeof key === 'number' && key <= this.border && key >= 1) this.border = key - 1;
      return;
    }
    this.entries.set(key, value);
    while (this.entries.has(this.border + 1)) this.border++;
  }

  keys(): IterableIterator<Value> {
    return this.entries.keys();
  }

  /** From 1 to the border. */
  list(): Value[] {
    return Array.from({ length: this.border }, (_, i) => this.entries.get(i + 1));
  }
}

export const isTrue = (value: Value): boolean => value !== undefined && value !== false;

/** As Lua 5.1 writes a number: fourteen digits. */
export function textOf(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  const short = Number(value.toPrecision(14));
  if (Number.isInteger(short) && Math.abs(short) < 1e15) return String(short === 0 ? 0 : short);
  if (Math.abs(short) >= 1e-4 && Math.abs(short) < 1e15) return String(short);
  return short.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Undefined if it is not a number. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (!/^[-+]?(?:0x[\da-f]+|(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)$/i.test(text)) {
    return /^[-+]?(?:inf|nan)/i.test(text) ? (text.startsWith('-') ? -Infinity : Infinity) : undefined;
  }
  return text.startsWith('-') ? -Number(text.slice(1)) : Number(text.replace(/^\+/, ''));
}

export function typeOf(value: Value): string {
  if (value === undefined) return 'nil';
  return value instanceof LuaTable ? 'table' : typeof value;
}
