import fc from 'fast-check';
import type { Policy, Verdict } from '../src/index.js';
import { hit, letIn, mayConnect, mayRequest, must, now, refusal, request, setup } from './support/make.js';

const no: Verdict = { allow: false, reason: 'unauthorized', denyForMs: 60_000 };
const banning = (banned: Set<string>): Policy => ({
  name: 'bans',
  stage: 'authorise',
  admit: ({ token = '' }) => (banned.has(token) ? no : { allow: true }),
});

describe('a refused viewer who tries again', () => {
  const tryOn = (tracker: ReturnType<typeof setup>['tracker'], over = {}) => {
    for (let i = 0; i < 3; i++) expect(mayRequest(tracker, over)).toBe(false);
  };

  it('is admitted when the denial is lifted, and refused again by the next', () => {
    const { tracker } = setup();
    for (let i = 0; i < 3; i++) {
      const { id } = tracker.deny({ ip: '203.0.113.7' });
      tryOn(tracker);
      expect(tracker.denials()).toMatchObject([{ hits: 3 }]);
      tracker.liftDenial(id);
      letIn(now(tracker.admit(hit()))).end();
      tracker.kickAll({ ip: '203.0.113.7' }, { denyForMs: 0 });
    }
  });

  it('is judged again when the refusal ends, or policies decide again', async () => {
    const banned = new Set(['a']);
    const { tracker, clock } = setup({ policies: [banning(banned)] });
    tryOn(tracker, { token: 'a' });
    banned.clear();
    tryOn(tracker, { token: 'a' });
    clock.advance(60_000);
    expect(mayRequest(tracker, { token: 'a' })).toBe(true);
    banned.add('b');
    tryOn(tracker, { token: 'b' });
    banned.clear();
    await tracker.invalidate();
    expect(mayRequest(tracker, { token: 'b' })).toBe(true);
  });

  it('is refused by an operator’s denial as soon as there is one', () => {
    const { tracker } = setup({ policies: [banning(new Set(['a']))] });
    tryOn(tracker, { token: 'a' });
    tracker.deny({ ip: '203.0.113.0/24' });
    expect(refusal(now(tracker.admit(hit({ token: 'a' }))))).toMatchObject({ by: 'deny', reason: 'denied' });
  });

  it('counts as another viewer when the network of an address becomes smaller', () => {
    const { tracker } = setup();
    const [one, other] = [{ ip: '2001:db8::1' }, { ip: '2001:db8::2' }];
    tracker.kick(must(request(tracker, one).session).id);
    tryOn(tracker, other);
    tracker.updateConfig({ identity: { ipv6PrefixLength: 128 } });
    expect(mayRequest(tracker, other)).toBe(true);
  });

  it('is not mistaken for anybody else, whatever they have in common', () => {
    const value = fc.constantFrom('a', 'b', undefined);
    const asker = fc.record({
      ...{ token: value, sid: value, playerSessionId: value, userAgent: value, query: value },
      ...{ stream: fc.constantFrom('cam1', 'cam2'), protocol: fc.constantFrom('hls', 'dash') },
      ip: fc.constantFrom('10.0.0.1', '10.0.0.2'),
    });
    fc.assert(
      fc.property(
        asker,
        fc.array(asker, { maxLength: 12 }),
        fc.constantFrom('policy', 'deny', 'kick'),
        (first, others, by) => {
          // what is decided where everybody is asked about for the first time
          const decides = (asked: typeof others): boolean[] => {
            const { tracker } = setup({
              policies:
                by === 'policy'
                  ? [
                      {
                        name: 'p',
                        stage: 'authorise',
                        admit: (c) => (c.stream === 'cam1' && c.token === first.token ? no : { allow: true }),
                      },
                    ]
                  : [],
            });
            if (by === 'deny') tracker.deny({ ip: first.ip, stream: first.stream });
            if (by === 'kick') tracker.kick(must(request(tracker, first).session).id);
            return asked.map((over) => {
              const admitted = mayRequest(tracker, over);
              if (admitted) tracker.kickAll({ ip: '10.0.0.1' }, { denyForMs: 0 });
              if (admitted) tracker.kickAll({ ip: '10.0.0.2' }, { denyForMs: 0 });
              return admitted;
            });
          };
          const twice = others.flatMap((over) => [first, over, over]);
          expect(decides(twice)).toEqual(twice.map((over) => decides([over])[0]));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('is refused even with a password', () => {
    const { tracker } = setup();
    tracker.deny({ stream: 'cam1' });
    tryOn(tracker, { credentials: { scheme: 'basic', user: 'u', verify: () => true } });
    expect(mayConnect(tracker, {})).toBe(false);
    expect(mayConnect(tracker, {})).toBe(false);
  });

  it('does not fill the memory, even by the thousand', () => {
    const { tracker } = setup({ maxDenials: 100 });
    tracker.deny({ stream: 'cam1' });
    for (let i = 0; i < 20_000; i++)
      expect(mayRequest(tracker, { token: `t${i}`, query: 'x'.repeat(3_000) })).toBe(false);
    for (let i = 0; i < 20_000; i++) mayRequest(tracker, { token: `u${i}` });
    expect(tracker.denials()).toMatchObject([{ hits: 40_000 }]);
  });
});
