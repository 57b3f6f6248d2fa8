// Asks a memcached one question over TCP and prints the answer's text up to END: node tcp-ask.mjs ADDRESS PORT REQUEST
import { connect } from 'node:net';

const [address, port, request] = process.argv.slice(2);
const socket = connect(Number(port), address, () => socket.write(`${request}\r\n`));
let text = '';
const fail = (reason) => {
  console.error(`no answer from ${address}:${port}: ${reason}`);
  process.exit(1);
};
const deadline = setTimeout(() => fail('three seconds have passed'), 3000);
socket.setEncoding('latin1');
socket.on('error', (error) => fail(error.message));
socket.on('end', () => fail('it closed the connection'));
socket.on('data', (more) => {
  text += more;
  if (!text.endsWith('END\r\n')) return;
  clearTimeout(deadline);
  process.stdout.write(text);
  socket.destroy();
});
