/** Who publishes and who watches, with a token at the door. See README.md for what to type. */
import NodeMediaServer from 'node-media-server';
import { createTracker } from '@stream-sessions/core';
import { attachRtmp, runNodeMediaServer } from '@stream-sessions/rtmp-adapter';

const [rtmp, http] = [portOf('RTMP_PORT', 1935), portOf('HTTP_PORT', 8000)];
const no = { allow: false, reason: 'unauthorized', kind: 'credentials' };
const mayIn = ({ kind, token }) => (kind === 'input' || token === 'secret' ? { allow: true } : no);

const tracker = createTracker({ policies: [{ name: 'door', admit: mayIn }] });
tracker.on('opened', ({ session: s }) => console.log(`+ ${s.kind} of ${s.stream} over ${s.protocol}`));
tracker.on('closed', ({ session: s, reason }) => {
  console.log(`- ${s.kind} of ${s.stream}: ${reason}, ${s.kind === 'input' ? s.bytesReceived : s.bytes} bytes`);
});
tracker.on('denied', ({ denial }) => console.log(`x ${denial.reason}`));

const nms = new NodeMediaServer({ bind: '127.0.0.1', rtmp: { port: rtmp }, http: { port: http } });
attachRtmp(nms, tracker);
await runNodeMediaServer(nms);
console.log(`rtmp://127.0.0.1:${rtmp}/live/cam1 and http://127.0.0.1:${http}/live/cam1.flv`);
const end = () => tracker.stop().then(() => nms.stop().then(() => process.exit()));
process.once('SIGINT', end).once('SIGTERM', end);

function portOf(variable, usual) {
  const port = process.env[variable] || usual;
  if (/^\d{1,5}$/.test(port) && port < 65_536) return Number(port);
  console.error(`${variable}=${port} is not a port. Try ${usual}.`);
  process.exit(1);
}
