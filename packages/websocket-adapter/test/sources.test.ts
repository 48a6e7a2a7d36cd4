import { stays, until } from '@stream-sessions/core/testing';
import { createSources, customDriver, type Sources } from '@stream-sessions/on-demand';
import { createTracker, type Policy, type SessionTracker, type Verdict } from '@stream-sessions/core';
import { Stage } from './support/stage.js';

const logger = { warn: () => undefined, error: () => undefined };
let tracker: SessionTracker;
let sources: Sources;
let stage: Stage;
/** What the start of the source waits for. */
let starts: () => void;
let asked: string[];

async function begin(holdMs?: number, policies: readonly Policy[] = []): Promise<void> {
  tracker = createTracker({ policies: [...policies] });
  asked = [];
  const driver = customDriver({
    start: ({ stream }) => {
      asked.push(stream);
      return new Promise((resolve) => (starts = resolve));
    },
    stop: () => undefined,
  });
  const options = { ...(holdMs !== undefined && { holdMs }), logger };
  sources = createSources(tracker, { sources: [{ pattern: 'cam{n}', driver }], ...options });
  stage = await Stage.start({ tracker, options: { ready: sources.ready } });
}
afterEach(async () => {
  await stage.stop();
  await sources.close();
});

it('an admitted client is held before the upgrade until the source runs', async () => {
  await begin();
  const client = stage.connect('/cam1');
  await until('it is asked for', () => asked.length === 1);
  expect(tracker.count({ stream: 'cam1', status: 'active' })).toBe(1);
  await stays('held', () => !client.isOpen && client.status === undefined, 50);
  starts();
  await until('it is connected', () => client.isOpen);
  const second = stage.connect('/cam1');
  await until('nobody waits for what runs', () => second.isOpen);
  const other = stage.connect('/studio');
  await until('nor for what nobody starts', () => other.isOpen);
  expect(asked).toEqual(['cam1']);
});

it('a client is answered 503 if the source does not start in time, and the viewer is forgotten', async () => {
  await begin(30);
  const client = stage.connect('/cam1');
  await client.ended;
  expect([client.status, client.headers['retry-after']]).toEqual([503, '2']);
  await until('it is no longer listed', () => tracker.count({ status: 'active' }) === 0);
});

it('a client that has gone is no longer held, and one that is kicked is hung up on', async () => {
  await begin();
  const client = stage.connect('/cam1');
  await until('it is held', () => sources.list()[0]?.held === 1);
  client.ws.terminate();
  await until('it is not held any more', () => sources.list()[0]?.held === 0);
  await until('nor listed', () => tracker.count({ status: 'active' }) === 0);

  const kicked = stage.connect('/cam1?token=a');
  await until('it is held', () => sources.list()[0]?.held === 1);
  tracker.kickAll({ stream: 'cam1' });
  await kicked.ended;
  expect([kicked.status, sources.list()[0]?.held]).toEqual([403, 0]);
});

it('a client that hangs up while a policy thinks starts no source', async () => {
  const answers: ((verdict: Verdict) => void)[] = [];
  await begin(undefined, [{ name: 'slow', admit: () => new Promise<Verdict>((resolve) => answers.push(resolve)) }]);
  const client = stage.connect('/cam1');
  await until('the policy is asked', () => answers.length === 1);
  client.ws.terminate();
  await client.ended;
  await stays('the server has time to notice', () => answers.length === 1, 50);
  answers[0]?.({ allow: true });
  await stays('no source is asked for', () => asked.length === 0, 50);
  expect(tracker.count({ status: 'active' })).toBe(0);
});

it('waiting clients are answered when the adapter is detached', async () => {
  await begin();
  const client = stage.connect('/cam1');
  await until('it is held', () => sources.list()[0]?.held === 1);
  await stage.attachment.detach();
  await client.ended;
  expect(client.status).toBe(503);
});
