import {
  createTracker,
  StreamSessionsError,
  type HotOptions,
  type SessionTracker,
  type TrackerOptions,
} from '../src/index.js';
import { badSecret, checkOptions, readTrustProxy } from '../src/spi.js';
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
    for (const options of [null, 5, 'x', ['x']]) {
      expect(() => createTracker(options as never)).toThrow(StreamSessionsError);
    }
  });

  it('says what kind of value a secret is, and never shows it', () => {
    expect(() => createTracker({ fingerprintKey: '' })).toThrow(/not an empty string\.$/);
    const error = badSecret('key', 'longer', 'hunter2');
    expect(error.message).toBe('key must be longer, not a string of 7 characters.');
    expect(badSecret('keys', 'longer', ['hunter2']).message).toBe('keys must be longer, not a list.');
    expect(badSecret('key', 'longer', Buffer.from('hunter2')).message).toBe('key must be longer, not 7 bytes.');
    expect(badSecret('key', 'longer', undefined).message).toBe('key must be longer, not undefined.');
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

it('a tracker in the place of options that contain it is an error that says so', () => {
  const { tracker } = setup();
  expect(() => checkOptions('createServer()', tracker, ['tracker', 'port'])).toThrow(badOption(/\{ tracker, … \}/));
});

describe('the methods of a tracker', () => {
  const wrong: [string, (tracker: SessionTracker, id: string) => unknown, RegExp][] = [
    ['deny with an option of kick', (t) => t.deny({ ip: '192.0.2.1' }, { denyForMs: 5 } as never), /denyForMs.*forMs/],
    ['deny for a number', (t) => t.deny({ ip: '192.0.2.1' }, 5_000 as never), /an object of options/],
    ['deny with a reason that is no text', (t) => t.deny({ ip: '192.0.2.1' }, { reason: 5 as never }), /reason/],
    ['kick with a reason that is no text', (t, id) => t.kick(id, { reason: 5 as never }), /reason/],
    ['on without a listener', (t) => t.on('opened', undefined as never), /a function, not undefined/],
    ['addSink of something that cannot write', (t) => t.addSink({ name: 'x' } as never), /write\(\)/],
    ['a filter whose limit is a text', (t) => t.list({ limit: '5' as never }), /limit/],
    ['a filter whose limit is NaN', (t) => t.list({ limit: NaN }), /limit/],
    ['a filter whose tag is an object', (t) => t.list({ tag: { plan: 'gold' } as never }), /tag/],
    ['a filter whose stream is a number', (t) => t.count({ stream: 5 as never }), /stream/],
    ['stop with an unknown option', (t) => t.stop({ timeout: 5 } as never), /Did you mean "timeoutMs"/],
    ['stop with a time that is no number', (t) => t.stop({ timeoutMs: '5' as never }), /timeoutMs/],
  ];
  it.each(wrong)('refuse %s', (_what, call, message) => {
    const { tracker } = setup();
    const { id } = must(tracker.trackHttp(hit()));
    expect(() => call(tracker, id)).toThrow(badOption(message));
    expect(tracker.denials()).toEqual([]);
    expect(live(tracker)).toHaveLength(1);
  });

  it('refuse to ask policies again about something that is no stream', async () => {
    await expect(setup().tracker.invalidate(5 as never)).rejects.toEqual(badOption(/a stream code, or a list/));
  });

  it('refuse tags that are no object', () => {
    const { tracker } = setup();
    const { id } = must(tracker.trackHttp(hit()));
    for (const tags of ['plan', ['plan'], null]) {
      expect(() => tracker.tag(id, tags as never)).toThrow(expect.objectContaining({ code: 'ERR_BAD_TAG' }));
    }
    expect(tracker.get(id)?.tags).toEqual({});
  });
});

it.each(['1', ' 2 '])('trustProxy is no text of digits (%j), which would be the address 0.0.0.1', (text) => {
  expect(() => readTrustProxy(text, () => () => true)).toThrow(badOption(/a number of proxies/));
});
