import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { badOption } from '@stream-sessions/core/spi';
import { Hub } from './hub.js';

/** The longest path of a socket. Bytes. */
const LONGEST_PATH = 100;
/** A hub that has bound its socket but does not listen yet needs no longer than this. Milliseconds. */
const SECOND_LOOK_MS = 30;

/** `hub-3`: each new hub has the next number. */
const NAME = /^hub-(\d{1,9})$/;
/** Leaves room for those that follow. */
const MAX_FIRST = 900_000_000;

/**
 * Creates a folder that only this user can enter.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function ownFolder(path: string): void {
  // a longer one would be cut off, and the socket would be somewhere else
  if (Buffer.byteLength(path) > LONGEST_PATH - 'hub-123456789'.length) {
    throw badOption('path', `a folder with a name of at most ${LONGEST_PATH - 13} bytes`, path);
  }
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(path);
  if (uid !== process.getuid?.()) throw badOption('path', 'a folder that belongs to the user of this process', path);
  if ((mode & 0o077) !== 0) throw badOption('path', 'a folder that no other user can enter (chmod 700)', path);
}

/** Which socket the latest hub has: another one means another hub. '': there is none, or something has removed it. */
export function latestSocket(folder: string): string {
  try {
    const path = pathOf(folder, latestHub(folder));
    const { ino, mtimeMs } = lstatSync(path);
    return `${path} ${ino} ${mtimeMs}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** The number of the latest hub; 0: there was none. */
function latestHub(folder: string): number {
  return Math.max(0, ...readdirSync(folder).map((name) => Number(NAME.exec(name)?.[1] ?? 0)));
}

/**
 * The number of the first hub of a folder, the same for all processes that find it empty. In another folder of that name it is another
 * one: the hub of a folder that was removed removes its socket when it closes, by its path.
 */
const firstHub = (folder: string): number => 1 + (Math.floor(lstatSync(folder).birthtimeMs) % MAX_FIRST);

const pathOf = (folder: string, n: number): string => join(folder, `hub-${n}`);

/**
 * A connection to the hub, and the hub itself if it is this process. A process that cannot reach the latest hub binds the next
 * number, which only one can do, and loads what the previous hub left, in the folder and in the file `keptIn`. Sockets left by dead hubs are never
 * taken over, so that no socket of a living hub can be.
 */
export async function reachHub(folder: string, keptIn?: string): Promise<{ socket: Socket; hub?: Hub }> {
  // something may clean up temporary folders
  ownFolder(folder);
  const n = latestHub(folder);
  if (n > 0) {
    const socket = (await reach(pathOf(folder, n))) ?? (await secondLook(pathOf(folder, n)));
    if (socket !== undefined) return { socket };
  }
  const next = n > 0 ? n + 1 : firstHub(folder);
  const hub = new Hub();
  try {
    await hub.listen(pathOf(folder, next));
    // a process that looked long ago may have bound a number that was passed meanwhile
    if (latestHub(folder) > next) throw new Error('another hub is later');
    if (keptIn !== undefined) hub.keepIn(keptIn);
    hub.succeedIn(folder);
    for (let old = n; old > 0 && old > n - 10; old--) rmSync(pathOf(folder, old), { force: true });
    const socket = await reach(pathOf(folder, next));
    if (socket === undefined) throw new Error('the hub cannot be reached');
    return { socket, hub };
  } catch (error) {
    hub.close();
    throw error;
  }
}

function reach(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const fail = (): void => resolve(undefined);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

async function secondLook(path: string): Promise<Socket | undefined> {
  await new Promise<void>((resolve) => setTimeout(resolve, SECOND_LOOK_MS));
  return reach(path);
}
