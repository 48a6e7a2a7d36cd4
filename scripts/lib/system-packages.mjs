import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { runSync, say, which } from './run.mjs';

/** Programs that are not npm packages: the names they go by, and the Debian package that has them. */
const COMPONENTS = {
  ffmpeg: { programs: ['ffmpeg'], debian: 'ffmpeg', elsewhere: 'https://ffmpeg.org/download.html' },
  chromium: {
    programs: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'],
    debian: 'chromium',
    elsewhere: 'https://www.chromium.org/getting-involved/download-chromium/',
  },
};

const isMissing = (name) => !COMPONENTS[name].programs.some((program) => which(program));

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
  if (mayInstall) aptInstall(missing.map((name) => COMPONENTS[name].debian));
  return missing.filter(isMissing);
}
