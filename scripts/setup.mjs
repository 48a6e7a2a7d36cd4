/**
 * Makes a fresh clone ready: npm packages, system packages, build. Needs Node alone, for it runs before anything is installed.
 * What is done already is skipped, so this stands in front of every command. Usage: node scripts/setup.mjs start|test|check|clients|bench|build
 *
 * SETUP=npm leaves the system alone: only npm packages are installed.
 */
import { pathToFileURL } from 'node:url';
import { build } from './lib/build.mjs';
import { ensureNpmPackages } from './lib/npm-packages.mjs';
import { fail, isCI, say } from './lib/run.mjs';
import { ensureComponents, howToInstall } from './lib/system-packages.mjs';

const NEEDS = {
  start: ['ffmpeg'],
  test: [
    'ffmpeg',
    'chromium',
    'gstreamer',
    'srt-live-transmit',
    'nginx',
    'redis',
    'postgresql',
    'tigervnc',
    'curl',
    'prometheus',
    'kubectl',
  ],
  check: ['srt-live-transmit', 'nginx', 'redis', 'postgresql', 'prometheus'],
  clients: [
    'ffmpeg',
    'gstreamer',
    'gstreamer-libav',
    'srt-live-transmit',
    'vlc',
    'mpv',
    'mplayer',
    'rtmpdump',
    'nginx-rtmp',
  ],
  bench: ['ffmpeg', 'redis', 'postgresql', 'curl'],
  build: [],
};

/**
 * @param {'start' | 'test' | 'check' | 'clients' | 'bench' | 'build'} purpose
 * @returns {string[]} the system components that are missing still: `npm start` has a sample stream instead of ffmpeg
 */
export function setup(purpose) {
  const needs = NEEDS[purpose];
  if (!needs) fail(`Usage: node scripts/setup.mjs ${Object.keys(NEEDS).join('|')}`);
  if (Number(process.versions.node.split('.')[0]) < 20) fail(`Node 20 or newer is needed; this is ${process.version}.`);
  ensureNpmPackages();
  const missing = ensureComponents(needs);
  if (missing.length > 0) {
    const text = `Missing: ${missing.join(', ')}. ${howToInstall(missing)}`;
    if (purpose === 'test' && isCI) fail(text);
    say(text);
  }
  build();
  return missing;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) setup(process.argv[2]);
