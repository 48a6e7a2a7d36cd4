/** Who publishes and who watches over RTSP, with a password and a token at the door. See README.md for what to type. */
import { createTracker } from '@stream-sessions/core';
import { createRtspServer } from '@stream-sessions/rtsp-adapter';

const port = portOf('RTSP_PORT', 8554);
const no = { allow: false, reason: 'unauthorized', kind: 'credentials' };
const isCamera = ({ credentials: c }) => c?.user === 'camera' && c.verify('secret');
const mayIn = (one) => ((one.kind === 'input' ? isCamera(one) : one.token === 'secret') ? { allow: true } : no);

const tracker = createTracker({ policies: [{ name: 'door', admit: mayIn }] });
tracker.on('opened', ({ session: s }) => console.log(`+ ${s.kind} of ${s.stream} over ${s.protocol}`));
tracker.on('closed', ({ session: s, reason }) => {
  console.log(`- ${s.kind} of ${s.stream}: ${reason}, ${s.kind === 'input' ? s.bytesReceived : s.bytes} bytes`);
});
tracker.on('denied', ({ denial }) => console.log(`x ${denial.reason}`));

const server = createRtspServer({ tracker });
await server.listen(port, '127.0.0.1');
console.log(`rtsp://127.0.0.1:${port}/live/cam1`);
const end = () => server.close().then(() => tracker.stop());
process.once('SIGINT', end).once('SIGTERM', end);

function portOf(variable, usual) {
  const port = process.env[variable] || usual;
  if (/^\d{1,5}$/.test(port) && port < 65_536) return Number(port);
  console.error(`${variable}=${port} is not a port. Try ${usual}.`);
  process.exit(1);
}
