import { Waits } from '../src/speed/waits.js';

/** Of each second, waits so many milliseconds, looked at every 50; whether it was short after each second. */
function play(waits: Waits, from: number, seconds: number, waitingMs: number): boolean[] {
  return Array.from({ length: seconds }, (_, second) => {
    const start = from + second * 1000;
    for (let ms = 50; ms <= waitingMs; ms += 50) waits.note(start + ms);
    waits.turn(start + 1000);
    return waits.isShort;
  });
}

describe('a session that waits for its limit', () => {
  it('is short of speed when it does so for most of ten seconds, and no longer when it does less than half', () => {
    const waits = new Waits();
    const waiting = play(waits, 100_000, 12, 1000);
    expect(waiting.indexOf(true)).toBeGreaterThanOrEqual(7);
    expect(waiting.at(-1)).toBe(true);
    const less = play(waits, 112_000, 12, 400);
    expect(less.slice(0, 3)).toEqual([true, true, true]);
    expect(less.at(-1)).toBe(false);
  });

  it('is not short of speed when it waits for three quarters of the time', () => {
    expect(play(new Waits(), 100_000, 30, 750)).not.toContain(true);
  });

  it('is not short of speed after a pause', () => {
    const waits = new Waits();
    play(waits, 100_000, 12, 1000);
    expect(waits.turn(200_000)).toBe(true);
    expect(waits.isShort).toBe(false);
  });

  it('reports a change once', () => {
    const waits = new Waits();
    play(waits, 0, 20, 1000);
    expect([waits.turn(20_500), waits.note(20_600), waits.turn(21_000)]).toEqual([false, false, false]);
  });
});
