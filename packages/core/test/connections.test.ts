import { conn, connect, hit, live, must, now, refusal, request, setup, story } from './support/make.js';

describe('openConn', () => {
  it('opens a separate session with a new UUID, started at once', () => {
    const { tracker, clock } = setup();
    const [one, two] = [tracker.openConn(conn()).session, tracker.openConn(conn()).session];
    expect(one?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(two?.id).not.toBe(one?.id);
    expect(one).toMatchObject({
      startedAt: clock.now(),
      openedAt: clock.now(),
      connections: 1,
      namedBy: 'fingerprint',
    });
  });

  it.each([
    ['1.2.3.4:9000', '1.2.3.4'],
    ['[::1]:9000', '::1'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['[::ffff:1.2.3.4]:9000', '1.2.3.4'],
    ['1.2.3.4', '1.2.3.4'],
    ['', ''],
  ])('reads the address %s as %s', (remoteAddress, ip) => {
    const { tracker } = setup();
    expect(tracker.openConn(conn({ remoteAddress })).session).toMatchObject({ ip, ips: [ip] });
  });

  it('keeps the session alive by touch, which adds bytes, and ends it once by close', () => {
    const { tracker, clock } = setup();
    const told = story(tracker);
    const { session, closer } = tracker.openConn(conn());
    for (let i = 0; i < 4; i++) {
      clock.advance(20_000);
      closer.touch(i === 1 ? undefined : 100);
    }
    for (const bytes of [-1, NaN, Infinity]) closer.touch(bytes);
    closer.close('transport_error', 7);
    closer.close('client_gone', 1_000);
    closer.touch(1_000);
    const { id } = must(session);
    expect(told.at(-1)).toBe(`closed ${id} transport_error 307`);
    expect(told.filter((line) => line.startsWith('closed'))).toHaveLength(1);
    expect(tracker.get(id)).toMatchObject({ bytes: 307, connections: 0, durationMs: 80_000 });
  });

  it('closes with client_gone when no reason is given', () => {
    const { tracker } = setup();
    const { session, closer } = tracker.openConn(conn());
    closer.close();
    expect(tracker.get(must(session).id)?.closeReason).toBe('client_gone');
  });

  it("refuses a caller's own id that is live, and takes it again afterwards as another visit", () => {
    const { tracker } = setup();
    const exists = expect.objectContaining({ code: 'ERR_SESSION_EXISTS' });
    const first = tracker.openConn(conn({ id: 'mine' }));
    expect(() => tracker.openConn(conn({ id: 'mine' }))).toThrow(exists);
    expect(() => tracker.admit(conn({ id: 'mine' }))).toThrow(exists);
    const viewer = must(request(tracker).session);
    expect(() => tracker.openConn(conn({ id: viewer.id }))).toThrow(exists);
    first.closer.close();
    const second = tracker.openConn(conn({ id: 'mine' }));
    expect(second.session?.openedAt).not.toBe(first.session?.openedAt);
    expect(tracker.list({ visits: 'all' }).filter(({ id }) => id === 'mine')).toHaveLength(2);
  });

  it('shows what the connection reported about itself', () => {
    const { tracker } = setup();
    const over = { token: 'abc', userId: 'bob', userAgent: 'FMLE', query: 'token=abc&x=1', secure: true };
    const { session } = tracker.openConn(conn({ ...over, kind: 'input' }));
    expect(session).toMatchObject({
      kind: 'input',
      userId: 'bob',
      userName: 'bob',
      userAgent: 'FMLE',
      secure: true,
      namedBy: 'token',
    });
    expect(session?.query).toBe(`token=${session?.tokenFingerprint}&x=1`);
    expect(tracker.openConn(conn({ userId: 'ann' })).session).toMatchObject({ namedBy: 'user', userName: 'ann' });
    expect(tracker.stats()).toMatchObject({ inputs: 1, viewers: 1 });
  });

  it('counts bytes from a publisher separately from bytes to a viewer', () => {
    const { tracker } = setup();
    const handle = connect(tracker, { kind: 'input' });
    handle.addReceived(500);
    handle.addReceived(-5);
    handle.touch(20);
    expect(handle.session).toMatchObject({ bytes: 20, bytesReceived: 500 });
    expect(tracker.stats().bytesTotal).toBe(20);
  });

  it('tracks no unspecified connection', () => {
    const { tracker } = setup();
    expect(tracker.openConn(conn({ kind: 'unspecified' })).session).toBeNull();
    expect(tracker.openConn(conn({ kind: 'unspecified' })).closer.close()).toBeUndefined();
    expect(() => tracker.openConn(conn({ kind: 'guest' as never }))).toThrow(
      expect.objectContaining({ code: 'ERR_BAD_HIT' }),
    );
  });

  it('cuts a kicked connection and closes it with its final bytes', () => {
    const { tracker } = setup();
    const handle = connect(tracker, { token: 'a' });
    const cuts: string[] = [];
    handle.touch(10);
    handle.onCut((reason) => (cuts.push(reason), 32));
    expect(tracker.kick(must(handle.session).id)).toBe(true);
    expect(cuts).toEqual(['kicked']);
    expect(handle.session).toMatchObject({ bytes: 42, closeReason: 'kicked' });
    expect(refusal(now(tracker.admit(conn({ token: 'a' })))).by).toBe('kick');
  });
});

describe('merged connections', () => {
  const merging = { identity: { mergeConnections: true } };

  it('join the session of their token; without a token each is a separate session', () => {
    const { tracker } = setup(merging);
    const viewer = request(tracker, { token: 'a' });
    viewer.end(5);
    const [one, two] = [connect(tracker, { token: 'a' }), connect(tracker, { token: 'a', protocol: 'srt' })];
    expect(one.session?.id).toBe(viewer.session?.id);
    expect(two.session).toMatchObject({ protocol: 'srt', protocols: ['hls', 'rtmp', 'srt'], connections: 2, bytes: 5 });
    expect(one.session?.id).toMatch(/^[0-9a-f]{16}$/);
    connect(tracker);
    connect(tracker);
    expect(live(tracker)).toHaveLength(3);
  });

  it('stay apart without the option', () => {
    const { tracker } = setup();
    for (let i = 0; i < 2; i++) connect(tracker, { token: 'a' });
    request(tracker, { token: 'a' });
    expect(live(tracker)).toHaveLength(3);
  });

  it('never merge kinds', () => {
    const { tracker } = setup(merging);
    connect(tracker, { token: 'a' });
    connect(tracker, { token: 'a', kind: 'input' });
    connect(tracker, { token: 'a', kind: 'output' });
    expect(tracker.stats()).toMatchObject({ active: 3, viewers: 1, inputs: 1, outputs: 1 });
    expect(tracker.streams()).toEqual([{ stream: 'cam1', viewers: 1, dvr: 0, inputs: 1, outputs: 1, bytes: 0 }]);
  });

  it('end the session with the last of them; before that, only their own connection', () => {
    const { tracker, clock } = setup(merging);
    const [one, two] = [connect(tracker, { token: 'a' }), connect(tracker, { token: 'a' })];
    const { id } = must(one.session);
    clock.advance(1_000);
    one.close('transport_error', 5);
    expect(tracker.get(id)).toMatchObject({ connections: 1, bytes: 5, closedAt: undefined });
    two.close();
    expect(tracker.get(id)).toMatchObject({ connections: 0, closeReason: 'client_gone' });
  });

  it('leave the session open for its other hits: a segment younger than the idle timeout, or a request in flight', () => {
    for (const httpFirst of [true, false]) {
      const { tracker, clock } = setup(merging);
      if (httpFirst) request(tracker, { token: 'a', referer: 'x' }).end();
      const connection = connect(tracker, { token: 'a' });
      if (!httpFirst) request(tracker, { token: 'a' }).end();
      const { id } = must(connection.session);
      clock.advance(10_000);
      connection.touch(1);
      connection.close();
      expect(tracker.get(id)?.closedAt).toBeUndefined();
      clock.advance(31_000);
      expect(tracker.get(id)).toMatchObject({ closeReason: 'idle', durationMs: 10_000 });

      const open = request(tracker, { token: 'b' });
      const other = connect(tracker, { token: 'b' });
      for (let i = 0; i < 8; i++) {
        clock.advance(10_000);
        other.touch();
        open.touch(1);
      }
      other.close();
      expect(open.session?.closedAt).toBeUndefined();
    }
  });

  it('close the session when its last hit is older than the idle timeout', () => {
    const { tracker, clock } = setup(merging);
    request(tracker, { token: 'a' }).end();
    const connection = connect(tracker, { token: 'a' });
    for (let i = 0; i < 4; i++) {
      clock.advance(10_000);
      connection.touch();
    }
    connection.close();
    expect(connection.session?.closeReason).toBe('client_gone');
  });

  it('are all cut when the session is kicked', () => {
    const { tracker } = setup(merging);
    const cuts: string[] = [];
    const handles = [
      connect(tracker, { token: 'a' }),
      request(tracker, { token: 'a' }),
      connect(tracker, { token: 'a' }),
    ];
    handles.forEach((handle, i) => handle.onCut((reason) => (cuts.push(`${i} ${reason}`), i + 1)));
    tracker.kick(must(handles[0]?.session).id);
    expect(cuts.sort()).toEqual(['0 kicked', '1 kicked', '2 kicked']);
    expect(handles[0]?.session?.bytes).toBe(6);
  });

  it('show the latest value of what differs, and list sixteen of each, including the latest', () => {
    const { tracker } = setup({ identity: { viewer: ['token'], mergeConnections: true } });
    for (let i = 0; i < 40; i++) {
      const over = { token: 'a', stream: `cam${i}`, protocol: `p${i}`, userAgent: `ua${i}` };
      if (i % 2) connect(tracker, { ...over, remoteAddress: `10.0.0.${i}:1` });
      else request(tracker, { ...over, ip: `10.0.0.${i}` });
    }
    const [session] = live(tracker);
    expect(session).toMatchObject({ stream: 'cam39', protocol: 'p39', ip: '10.0.0.39', userAgent: 'ua39' });
    for (const [list, first, last] of [
      [session?.streams, 'cam0', 'cam39'],
      [session?.protocols, 'p0', 'p39'],
      [session?.ips, '10.0.0.0', '10.0.0.39'],
    ] as const) {
      expect([list?.length, list?.[0], list?.at(-1)]).toEqual([16, first, last]);
    }
    for (const filter of [{ stream: 'cam39' }, { stream: 'cam0' }, { protocol: 'p38' }, { ip: '10.0.0.37' }]) {
      expect(tracker.count({ ...filter, status: 'active' })).toBe(1);
    }
    expect(tracker.streams()).toHaveLength(16);
    tracker.kick(must(session).id);
    expect(tracker.streams()).toEqual([]);
    expect(tracker.list({ stream: 'cam39' })).toHaveLength(1);
  });

  it('do not change copies that were handed out', () => {
    const { tracker } = setup({ identity: { viewer: ['token'] } });
    const copies = [0, 1, 2, 3].map((i) =>
      must(tracker.trackHttp(hit({ token: 'a', stream: `cam${i}`, protocol: `p${i}`, ip: `10.0.0.${i}` }))),
    );
    expect(copies.map(({ streams, protocols, ips }) => [streams.length, protocols.length, ips.length])).toEqual(
      [1, 2, 3, 4].map((n) => [n, n, n]),
    );
  });
});
