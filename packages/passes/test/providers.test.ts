import { createServer } from 'node:http';
import request from 'supertest';
import type { SessionTracker } from '@stream-sessions/core';
import { PASS_TYPES, passesApi, type PassProvider, type SessionData, type SessionSource } from '../src/index.js';
import { hit, type Theatre, theatre } from './support/theatre.js';

const { time, data } = PASS_TYPES;

const settle = async (): Promise<void> => {
  for (let i = 0; i < 60; i++) await Promise.resolve();
};

const dataOf = (over: Partial<SessionData> = {}): SessionData => ({
  provider: 'vouchers',
  type: time,
  timeSecs: 20,
  dataMb: 0,
  timeCons: 0,
  dataCons: 0,
  startedAt: null,
  expDays: null,
  downMbits: 0,
  upMbits: 0,
  useGlobalSpeed: false,
  createdAt: 0,
  ...over,
});

/** A voucher as its system keeps it. */
function voucher(over: Partial<SessionData> = {}) {
  const kept = { now: dataOf(over), saves: 0, losesAnswers: false };
  const source = (): SessionSource => {
    let loaded = kept.now;
    return {
      data: () => loaded,
      save: async (next) => {
        await Promise.resolve();
        kept.saves++;
        kept.now = next;
        if (kept.losesAnswers) throw new Error('the answer was lost');
      },
      reload: async () => {
        await Promise.resolve();
        return (loaded = kept.now);
      },
    };
  };
  return { kept, source };
}

const selling = (name: string, getSession: PassProvider['getSession']): PassProvider => ({ name, getSession });

async function ask(tracker: SessionTracker, token = 'ann'): Promise<string> {
  const admission = await tracker.admit(hit({ token }));
  if (!admission.admitted) return admission.denial.reason;
  if ('end' in admission.handle) admission.handle.end(1_000_000);
  return 'yes';
}

async function play({ tracker, clock }: Theatre, seconds: number): Promise<string> {
  for (let second = 0; second < seconds; second++) {
    const answer = await ask(tracker);
    if (answer !== 'yes') return answer;
    clock.advance(1_000);
    await settle();
  }
  return 'yes';
}

describe('a provider of passes', () => {
  it('sells a pass that is billed in whole seconds', async () => {
    const { kept, source } = voucher();
    const all = theatre({ providers: [selling('vouchers', () => source())] });
    expect(await play(all, 60)).toBe('quota_time');
    all.clock.advance(1_000);
    await settle();
    expect(kept.now).toMatchObject({ timeCons: 20, startedAt: all.start, provider: 'vouchers' });
    expect(all.tracker.list({ visits: 'all' })).toHaveLength(1);
  });

  it('is asked in order: the first usable pass wins, and the book comes last', async () => {
    const [spent, good, other] = [voucher({ timeCons: 20 }), voucher({ timeSecs: 5 }), voucher()];
    const providers = [
      selling('none', () => undefined),
      selling('spent', async () => Promise.resolve(spent.source())),
      selling('good', () => good.source()),
      selling('other', () => other.source()),
    ];
    const all = theatre({ providers });
    const own = await all.book.create('ann', { type: time, timeSecs: 5 });
    expect(await play(all, 60)).toBe('quota_time');
    expect(good.kept.now.timeCons).toBe(5);
    expect(other.kept.now.timeCons).toBe(20);
    expect(spent.kept.saves).toBe(0);
    expect(await all.book.get(own.id)).toMatchObject({ timeCons: 5 });
    expect(all.seconds()).toBe(30);
    expect(all.tracker.list({ visits: 'all' })).toHaveLength(1);
  });

  it('that fails, hangs or returns nonsense is skipped', async () => {
    const given: AbortSignal[] = [];
    const providers = [
      selling('throws', () => {
        throw new Error('down');
      }),
      selling('hangs', (owner, candidate, { signal }) => {
        given.push(signal);
        return new Promise(() => undefined);
      }),
      selling('nonsense', () => voucher({ timeSecs: Number.NaN }).source()),
    ];
    const all = theatre({ providers });
    await all.book.create('ann', { type: time, timeSecs: 5 });
    const asking = ask(all.tracker);
    await settle();
    all.clock.advance(1_999);
    expect(given.map(({ aborted }) => aborted)).toEqual([false]);
    all.clock.advance(1);
    expect(await asking).toBe('yes');
    expect(given.map(({ aborted }) => aborted)).toEqual([true]);
  });

  it('causes an overload, not a used-up quota, if all providers have failed', async () => {
    const fails = selling('fails', () => Promise.reject(new Error('down')));
    const all = theatre({ providers: [fails] });
    expect(await ask(all.tracker)).toBe('overload');
    const other = theatre({ providers: [fails, selling('none', () => undefined)] });
    expect(await ask(other.tracker)).toBe('no_pass');
  });

  it('may top up during playback: what was used is added to the current value', async () => {
    const { kept, source } = voucher({ type: data, dataMb: 10 });
    const all = theatre({ providers: [selling('vouchers', () => source())] });
    await play(all, 5);
    kept.now = { ...kept.now, dataMb: 20, dataCons: kept.now.dataCons + 3 };
    expect(await play(all, 60)).toBe('quota_data');
    await settle();
    expect(kept.now.dataCons).toBeGreaterThanOrEqual(20);
    expect(kept.now.dataCons).toBeLessThanOrEqual(21);
  });

  it('may lose its answers: what was saved counts once', async () => {
    const { kept, source } = voucher({ timeSecs: 600 });
    const all = theatre({ providers: [selling('vouchers', () => source())] });
    await play(all, 10);
    kept.losesAnswers = true;
    await play(all, 50);
    kept.losesAnswers = false;
    await play(all, 10);
    for (let second = 0; second < 60; second++) {
      all.clock.advance(1_000);
      await settle();
    }
    expect(kept.now.timeCons).toBe(69);
  });

  it('is asked once for all concurrent requests', async () => {
    const { source } = voucher();
    let asked = 0;
    const provider = selling('vouchers', async () => {
      asked++;
      await Promise.resolve();
      return source();
    });
    const { tracker } = theatre({ providers: [provider] });
    const answers = Array.from({ length: 100 }, async (_, i) => tracker.admit(hit({ ip: `203.0.113.${i}` })));
    expect((await Promise.all(answers)).every(({ admitted }) => admitted)).toBe(true);
    expect(asked).toBe(1);
  });

  it('lists what an owner has', async () => {
    const pages: unknown[] = [];
    const provider: PassProvider = {
      ...selling('vouchers', () => undefined),
      fetchSessions: (...page) => (pages.push(page), [dataOf()]),
    };
    const broken: PassProvider = {
      ...provider,
      name: 'broken',
      fetchSessions: () => Promise.reject(new Error('down')),
    };
    const { book } = theatre({ providers: [broken, selling('cannot', () => undefined), provider] });
    expect(await book.offers('ann')).toEqual([dataOf()]);
    await book.offers('ann', { page: 2, perPage: 20 });
    expect(pages).toEqual([
      ['ann', 1, 100],
      ['ann', 2, 20],
    ]);
  });

  it('may say never by a number beyond all dates', async () => {
    const forever = [
      voucher({ startedAt: 1, expDays: 999_999_999 }),
      voucher({ type: data, dataMb: 5, startedAt: 1, expDays: 999_999_999 }),
      voucher({ timeSecs: 9_999_999_999_999 }),
    ];
    for (const { source } of forever) {
      const { book, tracker } = theatre({ providers: [selling('vouchers', source)] });
      expect(await ask(tracker)).toBe('yes');
      const [session] = tracker.list();
      const { reviewAt } = tracker.explain(session?.id ?? '') ?? {};
      expect(new Date(reviewAt ?? 0).getTime()).not.toBeNaN();
      const api = passesApi(book, { authorize: () => false });
      const { status, body } = await request(createServer(api)).get('/me/pass?token=ann');
      expect([status, body]).toMatchObject([200, { expires_at: null, is_playing: true }]);
      await tracker.stop();
    }
  });

  it('is checked when the book is created', () => {
    const one = selling('a', () => undefined);
    expect(() => theatre({ providers: [one, one] })).toThrow('different names');
    expect(() => theatre({ providers: [{ name: 'a' } as never] })).toThrow('providers must be');
  });
});
