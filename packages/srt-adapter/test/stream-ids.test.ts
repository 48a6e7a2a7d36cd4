import { createTracker, parseStreamId, type SessionTracker } from '@stream-sessions/core';
import { createSrtServer, type SrtServer, type SrtServerOptions } from '../src/index.js';
import { Caller } from './support/caller.js';
import { until } from '../../../test/support/until.js';

let server: SrtServer;
let tracker: SessionTracker;
const callers: Caller[] = [];
const call = (streamId: string): Caller => {
  const caller = new Caller(server.port, streamId);
  callers.push(caller);
  return caller;
};
const start = (options: Partial<SrtServerOptions> = {}): void => {
  tracker = createTracker();
  server = createSrtServer({ host: '127.0.0.1', port: 0, latencyMs: 20, tracker, ...options });
};
const listed = () => tracker.list({ status: 'active' }).map(({ kind, stream }) => `${kind} ${stream}`);

afterEach(async () => {
  const dropped = Promise.all(callers.splice(0).map((caller) => caller.drop()));
  await server.close();
  await tracker.stop();
  await dropped;
});

describe('an encoder whose stream id is percent-encoded', () => {
  const id = '#!::r=live/cam1,m=publish';

  it.each([
    ['as a whole', encodeURIComponent(id)],
    ['as a form', new URLSearchParams({ id }).toString().slice(3)],
    ['in its first character', id.replace('#', '%23')],
    ['in its name', '#!::r=live%2Fcam1,m=publish'],
  ])('%s, publishes, and is played', async (_how, encoded) => {
    start();
    (await call(encoded).connects()).publish();
    const player = call('live%2Fcam1');
    await until('it plays', () => player.received > 0);
    expect(listed().sort()).toEqual(['input cam1', 'viewer cam1']);
  });

  it('twice, is refused, and opens no session', async () => {
    start();
    const caller = call(encodeURIComponent(encodeURIComponent(id)));
    await until('it is cut', () => caller.ended);
    expect(tracker.stats().openedTotal).toBe(0);
  });
});

describe('the option streamId', () => {
  /** As the docs have it. */
  const streamId = (id: string): string | undefined => {
    const { params } = parseStreamId(id);
    if (params['bmd_uuid'] && params['u']) return `#!::r=live/${params['u']},m=publish`;
    if (params['h'] && !params['r']) return `#!::r=${params['h']},m=${params['m'] ?? 'request'}`;
    return params['r'] === 'nobody' ? undefined : id;
  };

  it("can read Blackmagic's and SRS's forms, and leaves others as they are", async () => {
    start({ streamId });
    (await call('#!::bmd_uuid=ab-12,bmd_name=ATEM,u=studio').connects()).publish();
    await call('#!::h=live/livestream,m=publish').connects();
    const player = call('live/studio');
    await until('it plays', () => player.received > 0);
    expect(listed().sort()).toEqual(['input livestream', 'input studio', 'viewer studio']);
    const inputs = server.connections().filter(({ kind }) => kind === 'input');
    // callers are taken in any order
    expect(inputs.map(({ streamId }) => streamId)).toContain('#!::r=live/studio,m=publish');
  });

  it('refuses callers for which it returns nothing or throws, and results that are not text', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    start({
      streamId: (id) => {
        if (id === 'fails') throw new Error('a mistake');
        return id === 'number' ? (7 as unknown as string) : streamId(id);
      },
    });
    const refused = ['#!::r=nobody', 'fails', 'number'].map((id) => call(id));
    await until('all are cut', () => refused.every(({ ended }) => ended));
    expect(tracker.stats().openedTotal).toBe(0);
    expect(warned).toHaveBeenCalledTimes(1);
  });
});

describe('an encoder that does not say m=publish', () => {
  it('is cut when it sends, and one warning for all such encoders says why', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    start();
    for (let i = 0; i < 3; i++) {
      const encoder = (await call(`live/cam${i}`).connects()).publish();
      await until('it is cut', () => encoder.ended);
    }
    expect(tracker.list().map(({ closeReason }) => closeReason)).toEqual(Array(3).fill('transport_error'));
    expect(warned.mock.calls).toEqual([
      [
        expect.stringMatching(/"cam0".*did not say m=publish.*#!::r=live\/cam0,m=publish/),
        expect.objectContaining({ code: 'STREAM_SESSIONS_SRT_NOT_PUBLISHING' }),
      ],
    ]);
  });
});
