import type { Policy, PolicyAttachment, TrackerView, Verdict } from '../src/index.js';
import { connect, hit, must, request, setup } from './support/make.js';

/** A policy that keeps what it is handed. */
function attached(over: Partial<Policy> = {}) {
  const got: PolicyAttachment[] = [];
  const policy: Policy = { name: 'own', attach: (tracker) => void got.push(tracker), ...over };
  const all = setup({ policies: [policy] });
  return { ...all, policy, got, attachment: must(got[0]) };
}

describe('the attachment of a policy', () => {
  it('is handed over once for each tracker, also when other options change', () => {
    const { tracker, policy, got } = attached();
    tracker.updateConfig({ maxSessions: 5 });
    tracker.updateConfig({ policies: [policy, { name: 'another', closed: () => undefined }] });
    expect(got).toHaveLength(1);
    setup({ policies: [policy] });
    expect(got).toHaveLength(2);
  });

  it('reviews a session when the policy asks, whatever its deadline says', () => {
    const reviewed: string[] = [];
    const answers: Verdict[] = [{ allow: true }, { allow: false, reason: 'quota_time' }];
    const { tracker, clock, attachment } = attached({
      deadline: () => ({ at: Infinity }),
      review: ({ id }) => {
        reviewed.push(id);
        return answers.shift() ?? { allow: true };
      },
    });
    const { id } = must(request(tracker).session);
    attachment.review(id);
    expect(reviewed).toEqual([]); // not while somebody else is at work
    clock.advance(0);
    expect([reviewed, tracker.count({ status: 'active' })]).toEqual([[id], 1]);
    attachment.review(id);
    attachment.review(id);
    clock.advance(0);
    expect(reviewed).toEqual([id, id]);
    expect(tracker.get(id)).toMatchObject({ closeReason: 'quota_time' });
    expect(tracker.stats().policies).toMatchObject([{ asked: 2 }]);
  });

  it('asks again if the policy cannot review', async () => {
    let allow = true;
    const { tracker, clock, attachment } = attached({
      admit: () => (allow ? { allow: true } : { allow: false, reason: 'limit' }),
    });
    const { id } = must(request(tracker).session);
    allow = false;
    attachment.review(id);
    clock.advance(0);
    await Promise.resolve();
    expect(tracker.get(id)).toMatchObject({ closeReason: 'limit' });
  });

  it('waits for an answer that is already pending', async () => {
    const answers: ((verdict: Verdict) => void)[] = [];
    const { tracker, clock, attachment } = attached({
      admit: ({ again }) => (again ? new Promise<Verdict>((resolve) => answers.push(resolve)) : { allow: true }),
    });
    const { id } = must(request(tracker).session);
    attachment.review(id);
    clock.advance(0);
    attachment.review(id);
    clock.advance(10_000 - 1);
    expect(answers).toHaveLength(1);
    answers[0]?.({ allow: true });
    for (let i = 0; i < 10; i++) await Promise.resolve();
    clock.advance(50);
    expect(answers).toHaveLength(2);
  });

  it('knows when a session was active and how much it has received', () => {
    const { tracker, clock, attachment } = attached();
    const handle = connect(tracker);
    const { id } = must(handle.session);
    handle.touch(100);
    handle.addReceived(20);
    expect(attachment.bytesOf(id)).toBe(120);
    clock.advance(5_000);
    expect(attachment.activeAt(id)).toBe(clock.now());
    handle.close();
    expect([attachment.bytesOf(id), attachment.activeAt(id)]).toEqual([undefined, undefined]);
    expect(() => attachment.review(id)).not.toThrow();
  });

  it('knows whether anything was served yet, and what counts as silence', () => {
    const { tracker, attachment } = attached();
    const admission = tracker.admit(hit({ tentative: true }));
    if ('then' in admission || !admission.admitted) throw new Error('not let in at once');
    const { handle } = admission;
    const { id } = must(handle.session);
    expect(attachment.isServed(id)).toBe(false);
    handle.touch(1);
    expect([attachment.isServed(id), attachment.isServed('nobody')]).toEqual([true, false]);
    expect(attachment.idleTimeoutMs()).toBe(30_000);
    tracker.updateConfig({ idleTimeoutMs: { hls: 90_000, rtmp: 5_000 } });
    expect(attachment.idleTimeoutMs()).toBe(90_000);
  });

  it('does nothing for a policy that was removed, nor after the tracker has stopped', async () => {
    const review = jest.fn((): Verdict => ({ allow: true }));
    const { tracker, clock, attachment } = attached({ review });
    const { id } = must(request(tracker).session);
    attachment.review(id);
    tracker.updateConfig({ policies: [] });
    attachment.review(id);
    clock.advance(1_000);
    expect(review).not.toHaveBeenCalled();
    await tracker.stop();
    attachment.review(id);
    expect(clock.pending).toBe(0);
  });

  it('reviews many sessions in slices', () => {
    const review = jest.fn((): Verdict => ({ allow: true }));
    const { tracker, clock, attachment } = attached({ review });
    const ids = Array.from({ length: 1_000 }, (_, i) => must(request(tracker, { token: `t${i}` }).session).id);
    for (const id of ids) attachment.review(id);
    clock.advance(0);
    expect(review).toHaveBeenCalledTimes(1_000);
  });

  it('survives a policy that rejects where nobody waits for its answer, and one that must not be async', async () => {
    const no = (): never => Promise.reject(new Error('no')) as never;
    const policy = { name: 'broken', attach: no, settled: no, closed: no, deadline: no };
    const geo = { country: no };
    const { tracker, logged } = setup({ policies: [{ ...policy, admit: () => ({ allow: true }) }], geo });
    request(tracker).end(10);
    await tracker.stop();
    const messages = new Set(logged.map(({ message }) => message));
    expect([...messages].sort()).toEqual([
      'a policy failed in attach()',
      'a policy failed in closed()',
      'a policy failed in settled()',
      'a policy threw in deadline()',
      'the geo resolver failed; the session has no country',
    ]);
  });

  it('survives a policy that throws in attach()', () => {
    const { tracker, logged } = setup({
      policies: [
        {
          name: 'broken',
          attach: () => {
            throw new Error('no');
          },
        },
      ],
    });
    expect(logged).toMatchObject([{ level: 'error', message: 'a policy failed in attach()' }]);
    expect(tracker.trackHttp(hit())).not.toBeNull();
  });
});

describe('a deadline that keeps moving ahead by itself', () => {
  it('causes one warning', () => {
    const { tracker, clock, logged } = attached({
      deadline: () => ({ at: clock.now() + 5_000 }),
      review: () => ({ allow: true }),
    });
    const handle = connect(tracker);
    for (let second = 0; second < 300; second++) {
      clock.advance(1_000);
      handle.touch(1);
    }
    const warnings = logged.filter(({ message }) => message.includes('keeps moving its deadline ahead'));
    expect(warnings).toMatchObject([{ level: 'warn', details: { policies: ['own'] } }]);
  });

  it('causes no warning if it moves because something has happened', () => {
    let at = 0;
    const { tracker, clock, logged } = attached({
      deadline: () => ({ at }),
      review: () => {
        at = clock.now() + 5_000;
        return { allow: true };
      },
    });
    at = clock.now() + 5_000;
    const handle = connect(tracker);
    for (let second = 0; second < 300; second++) {
      clock.advance(1_000);
      if (second % 7 === 0) at += 2_000;
      handle.touch(1);
    }
    expect(logged).toEqual([]);
  });
});

describe('the rate that policies see', () => {
  it('is that of the last seconds, in total and for each stream', () => {
    let view: TrackerView | undefined;
    const { tracker, clock } = attached({
      admit: (_, seen) => {
        view = seen;
        return { allow: true };
      },
    });
    const [one, other] = [connect(tracker), connect(tracker, { stream: 'cam2' })];
    const { rate } = must(view);
    expect([rate(), rate('cam1'), rate('cam3')]).toEqual([0, 0, 0]);
    const play = (seconds: number, bytes: number): void => {
      for (let tenth = 0; tenth < 10 * seconds; tenth++) {
        clock.advance(100);
        one.touch(bytes / 10);
        other.touch(25_000);
      }
    };
    play(20, 500_000);
    expect(rate('cam1')).toBeCloseTo(4, 0);
    expect(rate()).toBeCloseTo(6, 0);
    play(12, 0);
    expect(rate('cam1')).toBe(0);
    expect(rate()).toBeCloseTo(2, 0);
    clock.jump(-3_600_000);
    play(12, 500_000);
    expect(rate('cam1')).toBeCloseTo(4, 0);
    one.close();
    expect(rate('cam1')).toBe(0);
  });
});
