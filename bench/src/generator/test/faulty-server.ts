// A memcached that misbehaves in a known way: a test's counterpart. Of the first 900 gets, each tenth is not answered, each
// tenth twice, each tenth too late and each tenth wrongly; the rest (and all others) miss.
// usage: faulty-server.ts ADDRESS PORT LATE_MS
import { createSocket } from 'node:dgram';

const [address = '', port = '', lateMs = ''] = process.argv.slice(2);
const socket = createSocket('udp4');
let number = 0;

socket.on('message', (request, peer) => {
  const answer = (text: string) => {
    const frame = Buffer.alloc(8);
    request.copy(frame, 0, 0, 2);
    frame.writeUInt16BE(1, 4);
    socket.send(Buffer.concat([frame, Buffer.from(text)]), peer.port, peer.address);
  };
  if (request.subarray(8).toString().startsWith('version')) {
    answer('VERSION faulty\r\n');
    return;
  }
  const current = number++;
  if (current >= 900) {
    // Slowly, so that the run goes on until the last late answer has come.
    setTimeout(answer, 50, 'END\r\n');
    return;
  }
  const fault = current % 10;
  if (fault === 3) return;
  if (fault === 7) setTimeout(answer, Number(lateMs), 'END\r\n');
  else answer(fault === 9 ? 'SERVER_ERROR out of order\r\n' : 'END\r\n');
  if (fault === 5) answer('END\r\n');
});
socket.bind(Number(port), address, () => console.log('ready'));
