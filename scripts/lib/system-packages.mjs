import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { runSync, say, which } from './run.mjs';

const gstElementExists = (name) => spawnSync('gst-inspect-1.0', ['--exists', name]).status === 0;

/** Programs that are not npm packages: the names they go by, what else they need, and the Debian packages that have them. */
const COMPONENTS = {
  ffmpeg: { programs: ['ffmpeg'], debian: 'ffmpeg', elsewhere: 'https://ffmpeg.org/download.html' },
  chromium: {
    programs: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'],
    debian: 'chromium',
    elsewhere: 'https://www.chromium.org/getting-involved/download-chromium/',
  },
  gstreamer: {
    programs: ['gst-launch-1.0'],
    // what plays and publishes RTSP lies in packages of its own
    isComplete: () => ['rtspsrc', 'rtspclientsink', 'rtph264depay', 'h264parse'].every(gstElementExists),
    debian:
      'gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-rtsp',
    elsewhere: 'https://gstreamer.freedesktop.org/download/',
  },
  'srt-live-transmit': {
    programs: ['srt-live-transmit'],
    debian: 'srt-tools', // and with it the library that the SRT adapter loads
    elsewhere: 'https://github.com/Haivision/srt#readme',
  },
  curl: { programs: ['curl'], debian: 'curl', elsewhere: 'https://curl.se/download.html' },
  nginx: {
    programs: ['nginx', '/usr/sbin/nginx'], // where Debian puts it, only root looks
    debian: 'nginx',
    elsewhere: 'https://nginx.org/en/download.html',
  },
  redis: { programs: ['redis-server'], debian: 'redis-server', elsewhere: 'https://redis.io/docs/latest/operate/' },
  prometheus: {
    programs: ['prometheus'],
    isComplete: () => Boolean(which('promtool')),
    debian: 'prometheus',
    elsewhere: 'https://prometheus.io/download/',
  },
  postgresql: {
    // Debian puts each version where the shell does not look
    programs: [18, 17, 16, 15, 14].map((version) => `/usr/lib/postgresql/${version}/bin/postgres`).concat('postgres'),
    debian: 'postgresql',
    elsewhere: 'https://www.postgresql.org/download/',
  },
  tigervnc: { programs: ['Xtigervnc'], debian: 'tigervnc-standalone-server', elsewhere: 'https://tigervnc.org' },
  kubectl: {
    programs: ['kubectl'],
    debian: 'kubernetes-client',
    elsewhere: 'https://kubernetes.io/docs/tasks/tools/',
  },
  vlc: {
    programs: ['cvlc'],
    debian: 'vlc-bin vlc-plugin-base vlc-plugin-access-extra',
    elsewhere: 'https://www.videolan.org/vlc/',
  },
  mpv: { programs: ['mpv'], debian: 'mpv', elsewhere: 'https://mpv.io/installation/' },
  mplayer: { programs: ['mplayer'], debian: 'mplayer', elsewhere: 'http://www.mplayerhq.hu/' },
  rtmpdump: { programs: ['rtmpdump'], debian: 'rtmpdump', elsewhere: 'https://rtmpdump.mplayerhq.hu/' },
  'gstreamer-libav': {
    programs: ['gst-launch-1.0'],
    isComplete: () => gstElementExists('avdec_h264'),
    debian: 'gstreamer1.0-libav',
    elsewhere: 'https://gstreamer.freedesktop.org/download/',
  },
  'nginx-rtmp': {
    programs: ['nginx'],
    isComplete: () => existsSync('/usr/lib/nginx/modules/ngx_rtmp_module.so'),
    debian: 'libnginx-mod-rtmp',
    elsewhere: 'https://github.com/arut/nginx-rtmp-module',
  },
};

function isMissing(name) {
  const { programs, isComplete = () => true } = COMPONENTS[name];
  return !programs.some((program) => which(program)) || !isComplete();
}

function isDebian() {
  if (!existsSync('/etc/os-release') || !which('apt-get')) return false;
  return /^ID="?debian"?$/m.test(readFileSync('/etc/os-release', 'utf8'));
}

const packageListsAreThere = () =>
  existsSync('/var/lib/apt/lists') && readdirSync('/var/lib/apt/lists').some((name) => name.includes('_Packages'));

function aptGet(args) {
  const all = ['-o', 'DPkg::Lock::Timeout=300', '-q', ...args];
  say(`apt-get ${all.join(' ')}`);
  return runSync('apt-get', all, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }) === 0;
}

/** Debian starts a server as soon as it is installed, unless this file says no: nginx would take port 80 of this machine. */
function withoutStartingServers(install) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return install();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return install();
  } finally {
    rmSync(policy);
  }
}

function aptInstall(packages) {
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  if (packageListsAreThere() && aptGet(install)) return;
  // no lists yet, or lists so old that the files they name are gone
  if (aptGet(['update'])) aptGet(install);
}

/** How a person gets these components, as one sentence. */
export function howToInstall(names) {
  const packages = names.map((name) => COMPONENTS[name].debian).join(' ');
  const links = names.map((name) => `${name}: ${COMPONENTS[name].elsewhere}`).join(', ');
  return `Debian and Ubuntu: sudo apt-get install ${packages}. Elsewhere, put on the PATH: ${links}`;
}

/**
 * Installs the missing ones of these components where that is possible (Debian, as root, and not with SETUP=npm).
 * Returns the names that are still missing.
 */
export function ensureComponents(names) {
  const missing = names.filter(isMissing);
  if (missing.length === 0) return [];
  const mayInstall = process.env.SETUP !== 'npm' && process.getuid?.() === 0 && isDebian();
  if (mayInstall)
    withoutStartingServers(() => aptInstall(missing.flatMap((name) => COMPONENTS[name].debian.split(' '))));
  return missing.filter(isMissing);
}
