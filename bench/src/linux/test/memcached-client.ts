/** Asks memcached over UDP until it answers: `node memcached-client.ts ADDRESS PORT REQUEST`. Used by tests only. */
import { createSocket } from 'node:dgram';
import { fileURLToPath } from 'node:url';

/** memcached's frame: request id, sequence number, number of datagrams, reserved (memcached, doc/protocol.txt, "UDP protocol"). */
const FRAME = Buffer.from([0, 1, 0, 0, 0, 1, 0, 0]);

/**
 * Sends a request every 50 ms until an answer comes.
 * @returns the answer without its frame
 */
export function askMemcached(address: string, port: number, request: string, deadlineMs: number): Promise<string> {
  const socket = createSocket('udp4');
  return new Promise<string>((resolve, reject) => {
    const end = performance.now() + deadlineMs;
    const send = (): void => {
      if (performance.now() > end) reject(new Error(`no answer from ${address}:${port} within ${deadlineMs / 1000} s`));
      socket.send(Buffer.concat([FRAME, Buffer.from(request)]), port, address);
    };
    socket.once('message', (message) => resolve(message.toString('latin1', FRAME.length)));
    socket.once('error', reject);
    send();
    const timer = setInterval(send, 50);
    socket.once('close', () => clearInterval(timer));
  }).finally(() => socket.close());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [address = '', port = '', request = ''] = process.argv.slice(2);
  process.stdout.write(await askMemcached(address, Number(port), `${request}\r\n`, 5_000));
}
