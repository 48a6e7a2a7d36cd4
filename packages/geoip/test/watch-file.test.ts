import { readFileSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { watchFile } from '../src/watch-file.js';
import { tempFolder, until } from './temp-folder.js';

const file = tempFolder();
const read = (path: string) => Promise.resolve(readFileSync(path, 'utf8'));

describe('watchFile', () => {
  it('loads a file once if nobody changes it', async () => {
    const [still, moving] = [file('still'), file('moving')];
    const loads: string[] = [];
    writeFileSync(still, 'a');
    writeFileSync(moving, '0');
    const load = (path: string) => {
      loads.push(path);
      return read(path);
    };
    let current = '';
    const watches = [
      await watchFile(still, 5, { load, use: () => undefined, onUnusable: () => undefined }),
      await watchFile(moving, 5, { load: read, use: (text) => (current = text), onUnusable: () => undefined }),
    ];
    // each change that was seen is a look at both
    for (const text of ['1', '2', '3', '4', '5']) {
      writeFileSync(moving, text);
      await until(text, () => current === text);
    }
    watches.forEach((watch) => watch.stop());
    expect(loads).toEqual([still]);
  });

  it('does not use what it read while somebody was writing, but reads again once the file is quiet', async () => {
    const path = file('database');
    writeFileSync(path, 'old');
    const used: string[] = [];
    let isTorn = true;
    const watch = await watchFile(path, 5, {
      async load() {
        const text = await read(path);
        if (text === 'half' && isTorn) {
          isTorn = false;
          writeFileSync(path, 'half and half');
        }
        return text;
      },
      use: (text) => used.push(text),
      onUnusable: (error) => used.push(String(error)),
    });
    writeFileSync(path, 'half');
    await until('the whole file', () => used.length > 1);
    watch.stop();
    expect(used).toEqual(['old', 'half and half']);
  });

  it('drops a load that ends after stop()', async () => {
    const path = file('database');
    writeFileSync(path, 'old');
    const used: string[] = [];
    let finish: ((text: string) => void) | undefined;
    const watch = await watchFile(path, 5, {
      load: () => (used.length === 0 ? read(path) : new Promise<string>((resolve) => (finish = resolve))),
      use: (text) => used.push(text),
      onUnusable: () => undefined,
    });
    writeFileSync(path, 'new');
    await until('the second load', () => finish !== undefined);
    watch.stop();
    finish?.('new');
    // the rest of that look is one stat and its turn; these are ten
    for (let i = 0; i < 10; i++) await stat(path);
    expect(used).toEqual(['old']);
  });
});
