import assert from 'node:assert/strict';
import { stays, until } from '@stream-sessions/core/testing';
import { BUCKETS, type Step } from '../link/link.js';
import { add, say, type LinkCase } from './world.js';

const failed = { code: 'ERR_CLUSTER_LINK' };
const HOSTILE = ['', '"', '\\', '\n', '\u2028', '\0', '\u{1f600}', '["a",1]', '__proto__', 'x'.repeat(50_000)];

const ECHO: Step = { name: 'echo', lua: `return {ARGV[1], tonumber(ARGV[2]), {ARGV[3], false, {}}, #KEYS}` };
const NUMBERS: Step = { name: 'numbers', lua: `return {1764171234567, -1, 0}` };
const NOW: Step = { name: 'now', lua: `return redis.call('TIME')` };
const LENGTH: Step = { name: 'length', lua: `return redis.call('XLEN', KEYS[1])` };
const WRONG: Step = { name: 'wrong', lua: `return redis.call('GET')` };

/** What every link must do, whatever it runs over. */
export const linkCases: readonly LinkCase[] = [
  {
    name: 'answers texts, numbers, nothing, and lists of them',
    test: async (world) => {
      const link = await world.open();
      assert.deepEqual(await link.run(ECHO, 3, ['a', 'b'], ['x', '7', 'y']), ['x', 7, ['y', null, []], 2]);
      assert.deepEqual(await link.run(NUMBERS, 3, ['a'], []), [1_764_171_234_567, -1, 0]);
      for (const text of HOSTILE) {
        assert.deepEqual(await link.run(ECHO, 0, ['a'], [text, '0', text]), [text, 0, [text, null, []], 1]);
      }
    },
  },
  {
    name: 'tells the time of the cluster',
    test: async (world) => {
      const replies = await Promise.all(
        [await world.open(), await world.open()].map((link) => link.run(NOW, 5, ['a'], [])),
      );
      const seconds = replies.map((reply) => Number((reply as readonly string[])[0]));
      for (const each of seconds) assert.ok(Math.abs(each - Date.now() / 1000) < 60, `seconds since 1970: ${each}`);
    },
  },
  {
    name: 'keeps each bucket to itself, and shares it between all links',
    test: async (world) => {
      const [a, b] = [await world.open(), await world.open()];
      for (let bucket = 0; bucket < BUCKETS; bucket++) assert.equal(await add(a, bucket, bucket + 1), bucket + 1);
      for (let bucket = 0; bucket < BUCKETS; bucket++) assert.equal(await add(b, bucket, 100), bucket + 101);
      if (world.subject.openElsewhere === undefined) return;
      assert.equal(await add(world.keep(await world.subject.openElsewhere()), 0), 1);
    },
  },
  {
    name: 'takes steps of several links one at a time: none is lost, none counts twice',
    test: async (world) => {
      const links = [await world.open(), await world.open(), await world.open()];
      const sums = await Promise.all(links.flatMap((link) => Array.from({ length: 300 }, () => add(link, 9))));
      assert.deepEqual(
        sums.map(Number).sort((a, b) => a - b),
        Array.from({ length: 900 }, (_, n) => n + 1),
      );
    },
  },
  {
    name: 'fails for a step that cannot be done, and goes on',
    test: async (world) => {
      const link = await world.open();
      await assert.rejects(link.run(WRONG, 0, ['a'], []), failed);
      await assert.rejects(link.run(NOW, BUCKETS, ['a'], []), failed);
      await assert.rejects(link.run(NOW, 0, [], []), failed);
      assert.equal(await add(link, 0), 1);
    },
  },
  {
    name: 'gives every follower what is said from now on, in order and once, by whomever',
    test: async (world) => {
      const [a, b] = [await world.open(), await world.open()];
      await say(a, 'news', 'before');
      const heard: string[][] = [[], []];
      for (const [n, link] of [a, b].entries()) {
        await link.follow([{ name: 'news' }, { name: 'other' }], (channel, texts) => {
          for (const text of texts) heard[n]?.push(`${channel}: ${text}`);
        });
      }
      const said = Array.from({ length: 500 }, (_, n) => `${n}`);
      for (const text of said) await say(Number(text) % 2 === 0 ? a : b, 'news', text);
      for (const texts of heard) {
        await until('all was heard', () => texts.length >= said.length);
        assert.deepEqual(
          texts,
          said.map((text) => `news: ${text}`),
        );
      }
      await say(a, 'other', 'ends');
      for (const texts of heard) await until('the other channel, too', () => texts.at(-1) === 'other: ends');
    },
  },
  {
    name: 'passes on any text unchanged',
    test: async (world) => {
      const link = await world.open();
      const heard: string[] = [];
      await link.follow([{ name: 'news' }], (_, texts) => void heard.push(...texts));
      for (const text of HOSTILE) await say(link, 'news', text);
      await until('all was heard', () => heard.length >= HOSTILE.length);
      assert.deepEqual(heard, HOSTILE);
    },
  },
  {
    name: 'deletes what it has given of a channel that nobody else reads',
    test: async (world) => {
      const [a, b] = [await world.open(), await world.open()];
      const heard: string[] = [];
      const follower = await a.follow([{ name: 'mine', isOwn: true }], (_, texts) => void heard.push(...texts));
      for (const text of ['one', 'two']) await say(b, 'mine', text);
      await until('all was heard', () => heard.length === 2);
      await until('nothing is left', async () => (await b.run(LENGTH, 0, ['mine'], [])) === 0);
      follower.rewind('mine');
      await say(b, 'mine', 'three');
      await until('the next was heard', () => heard.length === 3);
      assert.deepEqual(heard, ['one', 'two', 'three']);
    },
  },
  {
    name: 'gives all of a channel once more when it is rewound',
    test: async (world) => {
      const link = await world.open();
      const heard: string[] = [];
      await say(link, 'news', 'before');
      const follower = await link.follow([{ name: 'news' }], (_, texts) => void heard.push(...texts));
      await say(link, 'news', 'after');
      await until('it was heard', () => heard.length === 1);
      follower.rewind('news');
      await until('all was heard', () => heard.length === 3);
      assert.deepEqual(heard, ['after', 'before', 'after']);
    },
  },
  {
    name: 'goes on when its connections break: no step counts twice, and no text is lost',
    test: async (world) => {
      const [a, b] = [await world.open(), await world.open()];
      const heard: string[] = [];
      await b.follow([{ name: 'news' }], (_, texts) => void heard.push(...texts));
      const said: string[] = [];
      let sum = 0;
      for (let round = 0; round < 5; round++) {
        const steps = Array.from({ length: 20 }, () => add(a, 2));
        await world.subject.interrupt();
        sum += (await Promise.allSettled(steps)).length;
        // a text that is sent twice is appended twice, as by any step of this kind
        const text = `round ${round}`;
        await until('it can be said', () =>
          say(a, 'news', text).then(
            () => true,
            () => false,
          ),
        );
        said.push(text);
      }
      await until('all was heard', () => heard.includes(said.at(-1) as string));
      assert.deepEqual([...new Set(heard)], said);
      const total = Number(await add(a, 2, 0));
      assert.ok(total <= sum, `${total} of ${sum}`);
    },
  },
  {
    name: 'gives nothing more to a stopped follower, and ends the followers of a closed link',
    test: async (world) => {
      const [a, b] = [await world.open(), await world.open()];
      const heard: string[] = [];
      const follower = await a.follow([{ name: 'news' }], (_, texts) => void heard.push(...texts));
      await b.follow([{ name: 'news' }], (_, texts) => void heard.push(...texts));
      await follower.stop();
      await follower.stop();
      await b.close();
      await b.close();
      await say(a, 'news', 'late');
      await stays('nobody hears', () => heard.length === 0, 100);
      await assert.rejects(add(b, 0), failed);
      await assert.rejects(
        b.follow([{ name: 'news' }], () => undefined),
        failed,
      );
    },
  },
];
