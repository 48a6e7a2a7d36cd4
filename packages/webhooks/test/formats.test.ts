import { FORMATS } from '../src/formats/format.js';
import { receiver } from './support/receiver.js';
import { cleanUp, stage } from './support/stage.js';

afterEach(cleanUp);

const closed = {
  id: 'msg_1',
  at: 1_700_000_000_000,
  type: 'session.closed',
  stream_code: 'cam1',
  payload: {
    id: 'abc',
    kind: 'viewer',
    proto: 'dash',
    protos: ['hls', 'dash'],
    ip: '203.0.113.7',
    ips: ['203.0.113.6', '203.0.113.7'],
    user_name: 'eve',
    token: 'never shown',
    token_fingerprint: '5f1d',
    bytes: 2_500_000,
    bytes_received: 10,
    duration_sec: 100.4,
    proto_sec: { dash: 40.4, hls: 60 },
    tags: { plan: 'gold' },
    reason: 'kicked',
    viewers: 3,
  },
};

it('mistserver is the lines of USER_END, with a fingerprint in place of the token', () => {
  const { body, headers } = FORMATS.mistserver(closed);
  expect(body.split('\n')).toEqual([
    '5f1d',
    'cam1',
    'hls,dash',
    '203.0.113.6,203.0.113.7',
    '100',
    '2500000',
    '10',
    'plan:gold',
    '100',
    '60,40',
    '100',
    'abc',
  ]);
  expect(headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'x-trigger': 'USER_END' });
  const hostile = { ...closed, stream_code: 'a\nb\r\nc', payload: { ...closed.payload, tags: { x: 'y\nz' } } };
  expect(FORMATS.mistserver(hostile).body.split('\n')).toHaveLength(12);
});

it('slack, discord and ntfy are a sentence for humans', () => {
  const words = 'left "cam1": kicked, after 1 min and 2.5 MB. 3 viewers now.';
  expect(JSON.parse(FORMATS.slack(closed).body).text).toBe(`Viewer eve ${words}`);
  expect(JSON.parse(FORMATS.discord(closed).body)).toMatchObject({ allowed_mentions: { parse: [] }, flags: 4 });
  expect(FORMATS.ntfy(closed)).toEqual({
    body: `Viewer eve ${words}`,
    headers: { 'content-type': 'text/plain; charset=utf-8', title: 'stream-sessions' },
  });
});

describe('text from strangers', () => {
  const evil =
    '<!channel> <@U1> @everyone <https://x|bank> *b* _i_ ~s~ `c` [l](https://x) # h\n> q ||s|| \u202e https://x.example';
  const said = { ...closed, stream_code: evil, payload: { ...closed.payload, user_name: evil } };

  it('mentions nobody and is not formatted in Slack', () => {
    const { text } = JSON.parse(FORMATS.slack(said).body);
    expect(text).not.toMatch(/[<>]/);
    expect(text).toContain('&lt;!channel&gt;');
    expect(text).not.toMatch(/(?<!\u200b)[*_~`]/);
    expect(text).not.toMatch(/[\n\u202e]/);
    expect(text).not.toContain('://');
  });

  it('mentions nobody and is not formatted in Discord', () => {
    const { content } = JSON.parse(FORMATS.discord(said).body);
    expect(content).not.toMatch(/(?<!\\)[*_~`|>#[\]()<@]/);
    expect(content).not.toContain('://');
    expect(content.length).toBeLessThanOrEqual(2000);
  });

  it('is short, and stays on its line', () => {
    const long = {
      ...closed,
      stream_code: 'x'.repeat(5_000),
      payload: { ...closed.payload, user_name: 'a\r\nTitle: b' },
    };
    const { body } = FORMATS.ntfy(long);
    expect(body).not.toMatch(/[\r\n]/);
    expect(body.length).toBeLessThan(500);
  });

  it('is not cut in the middle of a character', () => {
    const long = { ...closed, payload: { ...closed.payload, user_name: `${'a'.repeat(199)}😀` } };
    for (const format of ['slack', 'discord'] as const) expect(FORMATS[format](long).body).not.toContain('\\ud83d');
  });

  it('does not become a link in apps that look for addresses in plain text', () => {
    expect(FORMATS.ntfy(said).body).toContain('https:');
    expect(FORMATS.ntfy(said).body).not.toContain('://');
  });
});

it('the format is chosen for each endpoint', async () => {
  const to = await receiver();
  const { tracker, clock } = await stage([{ url: to.url, format: 'ntfy', events: ['session.closed'] }]);
  const { closer } = tracker.openConn({ stream: 'cam1', protocol: 'srt', remoteAddress: '10.0.0.1:1' });
  closer.close('client_gone');
  clock.advance(50);
  await to.until(1);
  expect(to.received[0]!.body).toMatch(
    /^Viewer \S+ left "cam1": client_gone, after 0 s and 0\.0 MB\. 0 viewers now\.$/,
  );
});

it.each([
  [{ url: 'ftp://x' }, 'url must be an address'],
  [{ url: 'https://user:secret@x' }, 'url must be without a user and a password, not "one with them"'],
  [{ url: 'https://x', event: [] }, 'Did you mean "events"?'],
  [{ url: 'https://x', format: 'xml' }, 'format must be one of standard, mistserver'],
  [{ url: 'https://x', events: ['session.updated'] }, 'which is for the feed'],
  [{ url: 'https://x', format: 'mistserver', events: ['session.opened'] }, 'where the format is "mistserver"'],
  [{ url: 'https://x', when: { viewersOver: 3 } }, 'unknown option "viewersOver"'],
  [{ url: 'https://x', when: { viewersAbove: -1 } }, 'viewersAbove must be a whole number'],
  // no stream has fewer, and each would be remembered as one that had enough
  [{ url: 'https://x', when: { viewersBelow: 0 } }, 'viewersBelow must be a whole number from 1'],
  [{ url: 'https://x', secrets: ['abc'] }, 'secrets must be'],
])('the endpoint %j is refused', async (endpoint, why) => {
  await expect(stage([endpoint as never])).rejects.toThrow(why);
});
