/** Who publishes and who watches over SRT, with a token at the door. See README.md for what to type. */
import { createTracker } from '@stream-sessions/core';
import { createSrtServer } from '@stream-sessions/srt-adapter';

const { SRT_PASSPHRASE: passphrase } = process.env;
const port = portOf('SRT_PORT', 9000);
const no = { allow: false, reason: 'unauthorized', kind: 'credentials' };
const mayIn = ({ kind, token }) => (kind === 'input' || token === 'secret' ? { allow: true } : no);

const tracker = createTracker({ policies: [{ name: 'door', admit: mayIn }] });
tracker.on('opened', ({ session: s }) => console.log(`+ ${s.kind} of ${s.stream}, ${s.userAgent}`));
tracker.on('closed', ({ session: s, reason }) => {
  console.log(`- ${s.kind} of ${s.stream}: ${reason}, ${s.kind === 'input' ? s.bytesReceived : s.bytes} bytes`);
});
tracker.on('denied', ({ denial }) => console.log(`x ${denial.reason}`));

const server = createSrtServer({ tracker, port, passphrase });
console.log(`srt://127.0.0.1:${server.port}?streamid=live/cam1`);
const end = () => server.close().then(() => tracker.stop());
process.once('SIGINT', end).once('SIGTERM', end);

function portOf(variable, usual) {
  const port = process.env[variable] || usual;
  if (/^\d{1,5}$/.test(port) && port < 65_536) return Number(port);
  console.error(`${variable}=${port} is not a port. Try ${usual}.`);
  process.exit(1);
}
