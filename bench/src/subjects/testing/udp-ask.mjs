// Asks a memcached one question over UDP and prints the answer's text: node udp-ask.mjs ADDRESS PORT REQUEST
import { createSocket } from 'node:dgram';

const [address, port, request] = process.argv.slice(2);
const socket = createSocket('udp4');
const parts = [];
const deadline = setTimeout(() => {
  console.error(`no answer from ${address}:${port}`);
  process.exit(1);
}, 3000);
socket.on('message', (message) => {
  // The frame: request id, sequence number, number of datagrams, reserved; two bytes each.
  parts[message.readUInt16BE(2)] = message.subarray(8);
  if (Object.keys(parts).length < message.readUInt16BE(4)) return;
  clearTimeout(deadline);
  process.stdout.write(Buffer.concat(parts));
  socket.close();
});
const frame = Buffer.from([0, 1, 0, 0, 0, 1, 0, 0]);
socket.send(Buffer.concat([frame, Buffer.from(`${request}\r\n`)]), Number(port), address);
