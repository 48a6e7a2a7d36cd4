import type { Policy } from '../src/index.js';
import { clusterPort } from '../src/spi.js';
import { joined, type Joined } from './support/directory.js';
import { eventsOf, hit, live, pending, refusal } from './support/make.js';

/** Who comes with the token "new" takes the place of these. */
const replacing = (...ids: string[]): Policy => ({
  name: 'replacing',
  stage: 'concurrency',
  admit: ({ token }) => (token === 'new' ? { allow: true, replace: ids } : { allow: true }),
});

async function opens({ tracker }: Joined, token: string): Promise<string> {
  const admission = await pending(tracker.admit(hit({ token, userAgent: `player of ${token}` })));
  if (!admission.admitted) throw new Error('refused');
  admission.handle.end(10);
  return admission.handle.session?.id ?? '';
}

const asks = async ({ tracker }: Joined, token: string) =>
  pending(tracker.admit(hit({ token, userAgent: `player of ${token}` })));

const OLD = joined();
/** The id is the same on every tracker with the same key. */
let oldId = '';
beforeAll(async () => {
  oldId = await opens(OLD, 'old');
});

describe('a replaced viewer, in a cluster', () => {
  it('is reported before its closed event, with the record that keeps it out', async () => {
    const here = joined({ policies: [replacing(oldId)] });
    await opens(here, 'old');
    const told: unknown[] = [];
    here.tracker.on('closed', () => void told.push(...here.directory.replacements));
    const by = await opens(here, 'new');
    expect(told).toEqual([
      expect.objectContaining({ by, id: oldId, record: expect.objectContaining({ reason: 'replaced' }) }),
    ]);
    expect(JSON.stringify(told)).not.toContain('"old"');
    expect(here.directory.parts).toMatchObject([{ reason: 'replaced', isOver: true }]);
  });

  it('is reported by its id alone if it is on other nodes', async () => {
    const here = joined({ policies: [replacing(oldId)] });
    const by = await opens(here, 'new');
    expect(here.directory.replacements).toEqual([{ by, id: oldId }]);
  });

  it('closes on another node, which reports it under the names that it knows, and stays out until that is lifted', async () => {
    const [here, other] = [joined({ policies: [replacing()] }), joined()];
    await opens(here, 'old');
    const closed = eventsOf(here.tracker, 'closed');
    expect(clusterPort(here.tracker).replace(oldId, 'by')).toBe(true);
    expect(closed).toMatchObject([{ reason: 'replaced', session: { id: oldId } }]);
    const { record } = here.directory.replacements[0] ?? {};
    if (record === undefined) throw new Error('nothing was told');
    clusterPort(other.tracker).keepOut(record);
    for (const node of [here, other]) expect(refusal(await asks(node, 'old'))).toMatchObject({ reason: 'replaced' });
    expect((await asks(other, 'new')).admitted).toBe(true);
    for (const node of [here, other]) expect(clusterPort(node.tracker).lift(record.id)).toBe(true);
    for (const node of [here, other]) expect((await asks(node, 'old')).admitted).toBe(true);
    expect(here.directory.lifts).toEqual([]);
    expect(clusterPort(here.tracker).replace('nobody', 'by')).toBe(false);
  });

  it('stays out when its replacement is released here, because that visit may continue elsewhere', async () => {
    const here = joined({ policies: [replacing(oldId)], idleTimeoutMs: 5_000 });
    await opens(here, 'old');
    await opens(here, 'new');
    here.clock.advance(10_000);
    expect(live(here.tracker)).toEqual([]);
    expect(refusal(await asks(here, 'old'))).toMatchObject({ reason: 'replaced' });
    expect(here.directory.lifts).toEqual([]);
  });

  it.each<[string, (node: Joined, by: string) => void]>([
    ['is over on all nodes', ({ tracker }, by) => void tracker.kick(by, { denyForMs: 0 })],
    [
      'is let go of while nobody can be told',
      ({ directory, clock }) => {
        directory.isAlone = true;
        clock.advance(40_000);
      },
    ],
  ])('comes back when the visit that replaced it %s', async (_, ends) => {
    const here = joined({ policies: [replacing(oldId)] });
    await opens(here, 'old');
    const by = await opens(here, 'new');
    ends(here, by);
    expect(here.directory.lifts).toEqual([here.directory.replacements[0]?.record?.id]);
    here.directory.isAlone = false;
    expect((await asks(here, 'old')).admitted).toBe(true);
  });

  it('is reported again when its replacement is replaced elsewhere, and stays out for the next one', async () => {
    const here = joined({ policies: [replacing(oldId)] });
    await opens(here, 'old');
    const by = await opens(here, 'new');
    const [first] = here.directory.replacements;
    clusterPort(here.tracker).replace(by, 'the next');
    const again = here.directory.replacements.slice(1);
    expect(again.map(({ by: next }) => next)).toEqual(['the next', 'the next', 'the next']);
    expect(again.map(({ record }) => record?.id)).toContain(first?.record?.id);
    expect(refusal(await asks(here, 'old'))).toMatchObject({ reason: 'replaced' });
    expect(here.directory.lifts).toEqual([]);
  });

  it('is lifted for all nodes by the operator', async () => {
    const here = joined({ policies: [replacing(oldId)] });
    await opens(here, 'old');
    await opens(here, 'new');
    const [denial] = here.tracker.denials();
    expect(here.tracker.liftDenial(denial?.id ?? '')).toBe(true);
    expect(here.directory.lifts).toEqual([denial?.id]);
  });
});
