import { runCommand } from '../process/command.ts';

/**
 * What no right stack says, in the words of tshark's filters: bytes that are no packet, sums that are wrong, acknowledgements of
 * what has not arrived. A recording of what leaves a wire has everything that arrives, in this order; connections of which it
 * does not have the SYN (bit 1 of `completeness`) were there before.
 *
 * A sum of 0xffff is no mistake of ours: Linux writes it for 0 when it computes sums that were left to a device
 * (net/core/dev.c, skb_checksum_help), which is what the interfaces on the way to the wire are.
 */
const IMPOSSIBLE = [
  '_ws.malformed',
  '(_ws.expert.severity == error && tcp.checksum != 0xffff)',
  '(tcp.analysis.ack_lost_segment && tcp.completeness & 1)',
  '(tcp.checksum.status == bad && tcp.checksum != 0xffff)',
  'ip.checksum.status == bad',
].join(' || ');

/**
 * Reads a recording of a wire by tshark's analysis.
 * @param port of the server, on which there is nothing but bytes
 * @returns a line for each frame that is malformed or impossible
 * @throws EnvironmentError when tshark is missing, CommandError with its words
 */
export async function impossibleFrames(file: string, port: number): Promise<string[]> {
  const sums = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
  // The streams are random bytes, in which no protocol is to be looked for.
  const bytes = ['-o', 'tcp.desegment_tcp_streams:FALSE', '-d', `tcp.port==${port},data`];
  const lines = await runCommand(['tshark', '-n', '-r', file, ...sums, ...bytes, '-Y', IMPOSSIBLE], {
    deadlineMs: 300_000,
  });
  return lines.split('\n').filter((line) => line !== '');
}
