import { connect, live, mayConnect, mayRequest, must, refusal, now, request, setup } from './support/make.js';
import { hit } from './support/make.js';

const ONE = '2001:db8::1';
/** Of the same /56, and of another /64. */
const COUSIN = '2001:db8:0:1::1';
const conn = { remoteAddress: `[${ONE}]:5000` };

const prefix = (ipv6PrefixLength: number) => ({ identity: { ipv6PrefixLength } });

describe.each([
  ['shorter', 56],
  ['longer', 128],
])('when ipv6PrefixLength becomes %s while running', (_, length) => {
  it('a denial of an address closes earlier sessions there, over HTTP and connections', () => {
    const { tracker } = setup();
    connect(tracker, conn);
    request(tracker, { ip: ONE });
    request(tracker, { ip: '10.0.0.1' });
    tracker.updateConfig(prefix(length));
    tracker.deny({ ip: ONE });
    expect(live(tracker)).toMatchObject([{ ip: '10.0.0.1' }]);
  });

  it('earlier denials still hold: of an address, and of a kicked viewer', () => {
    const { tracker } = setup();
    tracker.deny({ ip: ONE, stream: 'cam2' });
    tracker.kick(must(request(tracker, { ip: ONE }).session).id);
    tracker.updateConfig(prefix(length));
    expect(mayRequest(tracker, { ip: ONE, stream: 'cam2' })).toBe(false);
    expect(mayRequest(tracker, { ip: ONE })).toBe(false);
    expect(mayConnect(tracker, conn)).toBe(false);
    // as identity counts it now
    expect(mayRequest(tracker, { ip: COUSIN, stream: 'cam2' })).toBe(length === 128);
    tracker.updateConfig(prefix(64));
    expect(mayRequest(tracker, { ip: COUSIN, stream: 'cam2' })).toBe(true);
    expect(mayRequest(tracker, { ip: '2001:db8::2', stream: 'cam2' })).toBe(false);
    for (const { id } of tracker.denials()) tracker.liftDenial(id);
    expect(mayRequest(tracker, { ip: ONE, stream: 'cam2' })).toBe(true);
  });

  it('a kick keeps out a viewer from before the change', () => {
    const { tracker } = setup();
    const { id } = must(connect(tracker, conn).session);
    tracker.updateConfig(prefix(length));
    tracker.kick(id);
    expect(refusal(now(tracker.admit(hit({ ip: ONE }))))).toMatchObject({ by: 'kick' });
  });

  it('the cap counts sessions from before the change', () => {
    const { tracker } = setup({ maxSessionsPerIp: 1, onOverload: 'deny' });
    connect(tracker, conn);
    tracker.updateConfig(prefix(length));
    expect(mayRequest(tracker, { ip: ONE })).toBe(false);
    expect(mayRequest(tracker, { ip: COUSIN })).toBe(length === 128);
  });

  it('a roaming session is found at every address, and forgotten when it has closed', () => {
    const { tracker } = setup({ identity: { viewer: ['token'] }, maxSessionsPerIp: 1, onOverload: 'deny' });
    for (const ip of [ONE, '10.0.0.1', COUSIN]) request(tracker, { token: 'a', ip }).end();
    tracker.updateConfig({ identity: { viewer: ['token'], ipv6PrefixLength: length } });
    expect(mayRequest(tracker, { token: 'b', ip: '10.0.0.1' })).toBe(false);
    tracker.deny({ ip: ONE }, { forMs: 0 });
    expect(live(tracker)).toEqual([]);
    for (const ip of [ONE, '10.0.0.1', COUSIN]) {
      expect(mayRequest(tracker, { token: 'b', ip })).toBe(true);
      tracker.kickAll({ ip }, { denyForMs: 0 });
    }
  });
});
