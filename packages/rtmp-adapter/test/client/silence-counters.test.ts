import { SilenceCounters, type Ask } from '../../src/client/silence-counters.js';

const TIMEOUT_MS = 30_000;

/** A client, second by second. */
function client(isPlayer: boolean, timeoutMs = TIMEOUT_MS) {
  const state = { received: 0, waiting: 0, asked: 0, stopped: 0, answer: () => undefined as void };
  const ask: Ask = (answered) => {
    state.asked++;
    state.answer = answered;
    return () => void state.stopped++;
  };
  const counters = { sent: () => 0, received: () => state.received, waiting: () => state.waiting };
  const listened = new SilenceCounters(counters, timeoutMs, isPlayer ? ask : undefined);
  let now = 1_000_000;
  /** Whether it is gone after so many seconds, in each of which this happens. */
  const after = (seconds: number, each: () => unknown = () => undefined): boolean => {
    let isGone = false;
    for (let i = 0; i < seconds; i++) {
      each();
      isGone = listened.isGone((now += 1000));
    }
    return isGone;
  };
  after(1);
  return { state, listened, after, sleep: (ms: number) => (now += ms) };
}

const sends = (state: { received: number }) => () => state.received++;

describe('a publisher', () => {
  it('is gone when it has sent nothing for the timeout', () => {
    const { after, state } = client(false);
    expect(after(100, sends(state))).toBe(false);
    expect(after(29)).toBe(false);
    expect(after(1)).toBe(true);
  });

  it('makes way for another after two seconds of silence, and not once it has sent again', () => {
    const { after, state, listened } = client(false);
    after(10, sends(state));
    after(1);
    expect(listened.isSilentFor(2000)).toBe(false);
    after(1);
    expect(listened.isSilentFor(2000)).toBe(true);
    state.received++;
    expect(listened.isSilentFor(2000)).toBe(false);
  });

  it('is not gone because this process was asleep', () => {
    const { after, sleep } = client(false);
    sleep(3_600_000);
    expect(after(1)).toBe(false);
  });

  it('is never gone with a timeout of 0', () => expect(client(false, 0).after(10_000)).toBe(false));
});

describe('a player', () => {
  it('is pinged three times per timeout, and never gone if it has never answered', () => {
    const { after, state } = client(true);
    expect(after(9)).toBe(false);
    expect(state.asked).toBe(0);
    after(1);
    expect(state.asked).toBe(1);
    expect(after(20)).toBe(false);
    expect([state.asked, state.stopped]).toEqual([3, 2]);
    expect(after(1000)).toBe(false);
  });

  it('is gone when it has answered before, and no longer does', () => {
    const { after, state } = client(true);
    after(10);
    state.answer();
    expect(after(29)).toBe(false);
    expect(after(1)).toBe(true);
  });

  it('is not gone while it sends anything, or while something waits for it', () => {
    const { after, state } = client(true);
    after(10);
    state.answer();
    expect(after(100, sends(state))).toBe(false);
    state.waiting = 1;
    expect(after(100)).toBe(false);
    state.waiting = 0;
    expect(after(29)).toBe(false);
    expect(after(1)).toBe(true);
  });

  it('is no longer listened to after its release', () => {
    const { after, state, listened } = client(true);
    after(10);
    listened.release();
    expect(state.stopped).toBe(1);
  });
});
