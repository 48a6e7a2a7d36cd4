import { BINARY } from './operators.js';
import { isTrue, LuaError, LuaTable, typeOf, type Value } from './values.js';

/** Locals of a running function, linked to those of the functions that enclose it. */
export class Frame {
  readonly locals: Value[] = [];
  constructor(
    readonly up: Frame | undefined,
    readonly rest: readonly Value[] = [],
  ) {}
}

/** How a block ends: with nothing, `break`, or the values of a `return`. */
export type Ending = undefined | typeof BROKEN | Value[];
export const BROKEN = Symbol('break');

export type Statement = (frame: Frame) => Ending;
export interface Expression {
  /** Its first value. */
  readonly one: (frame: Frame) => Value;
  /** All of its values, for a call or `...`. Absent: there is one. */
  readonly all?: (frame: Frame) => Value[];
  /** For an expression that can be on the left of `=`. */
  readonly assign?: (frame: Frame, value: Value) => void;
}

/** The names of a function's locals in the open blocks. */
export class Scope {
  private readonly blocks = [new Map<string, number>()];
  private size = 0;
  constructor(readonly up: Scope | undefined) {}

  open(): void {
    this.blocks.push(new Map());
  }
  close(): void {
    this.blocks.pop();
  }
  declare(name: string): number {
    this.blocks.at(-1)?.set(name, this.size);
    return this.size++;
  }
  find(name: string): number | undefined {
    for (let i = this.blocks.length - 1; i >= 0; i--) {
      const slot = this.blocks[i]?.get(name);
      if (slot !== undefined) return slot;
    }
    return undefined;
  }
}

export const valuesOf = (ending: Ending): Value[] => (Array.isArray(ending) ? ending : []);

export function allOf(expressions: readonly Expression[]): (frame: Frame) => Value[] {
  const last = expressions.at(-1);
  return (frame) => {
    const values = expressions.map(({ one, all }, i) =>
      all !== undefined && i === expressions.length - 1 ? undefined : one(frame),
    );
    if (last?.all === undefined) return values;
    values.pop();
    return [...values, ...last.all(frame)];
  };
}

export function joined(sign: string, a: Expression, b: Expression): Expression {
  if (sign === 'and' || sign === 'or') {
    return {
      one: (frame) => {
        const left = a.one(frame);
        return isTrue(left) === (sign === 'and') ? b.one(frame) : left;
      },
    };
  }
  const work = BINARY[sign] as (a: Value, b: Value) => Value;
  return { one: (frame) => work(a.one(frame), b.one(frame)) };
}

export function localAt(depth: number, slot: number): Expression {
  const home = (frame: Frame): Frame => {
    let at = frame;
    for (let i = 0; i < depth; i++) at = at.up as Frame;
    return at;
  };
  return {
    one: (frame) => home(frame).locals[slot],
    assign: (frame, value) => void (home(frame).locals[slot] = value),
  };
}

export function indexed(of: Expression, key: Expression): Expression {
  const table = (frame: Frame): LuaTable => {
    const value = of.one(frame);
    if (value instanceof LuaTable) return value;
    throw new LuaError(`attempt to index a ${typeOf(value)} value`);
  };
  return {
    one: (frame) => table(frame).get(key.one(frame)),
    assign: (frame, value) => table(frame).set(key.one(frame), value),
  };
}

export function called(of: Expression, values: (frame: Frame) => Value[]): Expression {
  const all = (frame: Frame): Value[] => {
    const work = of.one(frame);
    if (typeof work !== 'function') throw new LuaError(`attempt to call a ${typeOf(work)} value`);
    return work(...values(frame));
  };
  return { one: (frame) => all(frame)[0], all };
}

export function numericLoop(slot: number, values: (frame: Frame) => Value[], body: Statement): Statement {
  return (frame) => {
    const [from, to, step = 1] = values(frame).map(Number) as [number, number, number?];
    for (let i = from; step > 0 ? i <= to : i >= to; i += step) {
      frame.locals[slot] = i;
      const ending = body(frame);
      if (ending === BROKEN) break;
      if (ending !== undefined) return ending;
    }
    return undefined;
  };
}

export function genericLoop(slots: readonly number[], values: (frame: Frame) => Value[], body: Statement): Statement {
  return (frame) => {
    const [next, state, first] = values(frame);
    if (typeof next !== 'function') throw new LuaError('a loop needs ipairs() or pairs()');
    for (let given = next(state, first); given[0] !== undefined; given = next(state, given[0])) {
      slots.forEach((slot, i) => (frame.locals[slot] = given[i]));
      const ending = body(frame);
      if (ending === BROKEN) break;
      if (ending !== undefined) return ending;
    }
    return undefined;
  };
}
