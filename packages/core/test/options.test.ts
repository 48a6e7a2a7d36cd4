import { createTracker, StreamSessionsError, type HotOptions, type TrackerOptions } from '../src/index.js';
import { hit, live, must, request, setup } from './support/make.js';

const badOption = (message: RegExp) =>
  expect.objectContaining({ code: 'ERR_BAD_OPTION', message: expect.stringMatching(message) });

describe('createTracker', () => {
  it.each<[string, RegExp]>([
    ['idleTimeout', /Did you mean "idleTimeoutMs"\?/],
    ['idletimeoutms', /Did you mean "idleTimeoutMs"\?/],
    ['maxSession', /Did you mean "maxSessions/],
    ['policy', /Did you mean "policies"|policyTimeoutMs/],
    ['zzz', /Known: /],
  ])('refuses the unknown option %s with the likely fix', (name, message) => {
    expect(() => createTracker({ [name]: 5 })).toThrow(badOption(message));
  });

  it.each<[Record<string, unknown>, RegExp]>([
    [{ idleTimeoutMs: 0 }, /above 0/],
    [{ idleTimeoutMs: -1 }, /above 0/],
    [{ idleTimeoutMs: '30000' }, /above 0/],
    [{ idleTimeoutMs: null }, /above 0/],
    [{ idleTimeoutMs: NaN }, /above 0/],
    [{ idleTimeoutMs: { hls: 0 } }, /idleTimeoutMs\.hls/],
    [{ maxSessions: -1 }, /maxSessions/],
    [{ maxSessions: NaN }, /maxSessions/],
    [{ deniedRetentionMs: '600000' }, /deniedRetentionMs/],
    [{ closedRetentionMax: null }, /closedRetentionMax/],
    [{ updateIntervalMs: {} }, /an object/],
    [{ enabled: 'false' }, /true or false/],
    [{ exposeTokens: 'no' }, /true or false/],
    [{ onOverload: 'drop' }, /untracked/],
    [{ geo: {} }, /country/],
    [{ policies: 'x' }, /list/],
    [{ policies: {} }, /a list of policies, not an object/],
    [{ policies: [{}] }, /name/],
    [{ policies: [null] }, /name/],
    [{ policies: [{ name: 'x', stage: 'first' }] }, /stage/],
    [
      { policies: [{ name: 'x', authorize: () => ({ allow: false }) }] },
      /"x" has none of the methods of a policy: admit\(\)/,
    ],
    [{ policies: [{ name: 'x', admit: undefined }] }, /none of the methods/],
    [{ policies: [{ name: 'x', admit: 'yes' }] }, /policy "x": admit must be a function, not "yes"/],
    [{ policies: [{ name: 'x', stage: 'authorise', closed: () => undefined }] }, /admit must be a function/],
    [{ identity: () => 1 }, /identity/],
    [{ idleTimeoutMs: [] }, /idleTimeoutMs/],
    [{ identity: { viewer: ['streem'] } }, /identity\.viewer/],
    [{ identity: { viewer: 'stream' } }, /identity\.viewer/],
    [{ identity: { viewers: [] } }, /Did you mean "viewer"/],
    [{ identity: { ipv6PrefixLength: 0 } }, /1 to 128/],
    [{ identity: { ipv6PrefixLength: 129 } }, /1 to 128/],
    [{ identity: { aliases: 'yes' } }, /aliases/],
    [{ identity: { mergeConnections: 1 } }, /mergeConnections/],
    [{ clock: 1 }, /clock/],
    [{ clock: { now: Date.now } }, /clock/],
    [{ logger: {} }, /logger/],
    [{ fingerprintKey: '' }, /fingerprintKey/],
    [{ fingerprintKey: 5 }, /fingerprintKey/],
    [{ autoStart: 'no' }, /autoStart/],
  ])('refuses %j', (options, message) => {
    expect(() => createTracker(options as TrackerOptions)).toThrow(badOption(message));
    const hot = Object.keys(options).every(
      (name) => !['clock', 'logger', 'fingerprintKey', 'autoStart'].includes(name),
    );
    const { tracker } = setup();
    if (hot) expect(() => tracker.updateConfig(options as HotOptions)).toThrow(badOption(message));
  });

  it('refuses anything but an object, always with the same class of error', () => {
    for (const options of [null, 5, 'x']) {
      expect(() => createTracker(options as never)).toThrow(StreamSessionsError);
    }
  });

  it('treats undefined as not given', () => {
    const { tracker } = setup({ idleTimeoutMs: undefined, policies: undefined, enabled: undefined });
    expect(tracker.trackHttp(hit())).not.toBeNull();
  });

  it('refuses enabled: false together with policies, which would let everybody in', () => {
    const policies = [{ name: 'p', admit: () => ({ allow: false as const, reason: 'no' }) }];
    const code = expect.objectContaining({ code: 'ERR_WOULD_OPEN_ALL' });
    expect(() => createTracker({ enabled: false, policies })).toThrow(code);
    const { tracker } = setup({ policies });
    expect(() => tracker.updateConfig({ enabled: false })).toThrow(code);
    const off = setup({ enabled: false });
    expect(() => off.tracker.updateConfig({ policies })).toThrow(code);
    tracker.updateConfig({ enabled: false, policies: [] });
    expect(tracker.trackHttp(hit())).toBeNull();
  });
});

describe('updateConfig', () => {
  it('refuses options that cannot be changed while running', () => {
    const { tracker } = setup();
    for (const name of ['clock', 'logger', 'fingerprintKey', 'autoStart']) {
      expect(() => tracker.updateConfig({ [name]: undefined })).toThrow(badOption(/unknown option/));
    }
  });

  it('changes all or nothing', () => {
    const { tracker, clock } = setup();
    expect(() => tracker.updateConfig({ idleTimeoutMs: 1_000, identity: { viewer: ['x' as never] } })).toThrow();
    expect(() => tracker.updateConfig({ idleTimeoutMs: 1_000, policies: [{} as never] })).toThrow();
    tracker.trackHttp(hit());
    clock.advance(10_000);
    expect(live(tracker)).toHaveLength(1);
  });

  it('is not affected by later changes to the object it was given', () => {
    const viewer: ('stream' | 'ip' | 'token')[] = ['stream', 'ip', 'token'];
    const policies = [{ name: 'p', admit: () => ({ allow: true as const }) }];
    const idleTimeoutMs = { hls: 5_000 };
    const { tracker, clock } = setup({ identity: { viewer }, policies, idleTimeoutMs });
    viewer.length = 0;
    policies.length = 0;
    idleTimeoutMs.hls = 500_000;
    tracker.updateConfig({ updateIntervalMs: 1_000 });
    request(tracker, { token: 'a' }).end();
    request(tracker, { token: 'b' }).end();
    expect(live(tracker)).toHaveLength(2);
    expect(tracker.explain(must(live(tracker)[0]).id)?.policies).toHaveLength(1);
    clock.advance(6_000);
    expect(live(tracker)).toHaveLength(0);
  });

  it('shows tokens from then on if told to, and only then', () => {
    const { tracker } = setup();
    const { id } = must(tracker.trackHttp(hit({ token: 'secret' })));
    expect(tracker.get(id)?.token).toBeUndefined();
    tracker.updateConfig({ exposeTokens: true });
    expect(tracker.get(id)?.token).toBe('secret');
  });
});
