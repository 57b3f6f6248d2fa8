import { expect, it } from 'vitest';
import { BufferLeak, censusCount, lastCensus } from './soak.ts';

const line = (time: string, elsewhere: number) =>
  `[  ${time}] net: queue 0 at rest: 1927 buffers, ${1671 - elsewhere} free, 256 to receive, 0 to send, ${elsewhere} elsewhere\n`;

it('reads the youngest census of each queue', () => {
  const log = `noise\n${line('1.000001', 3)}${line('2.000001', 0)}`;
  expect(lastCensus(log)).toEqual([{ queue: 0, total: 1927, free: 1671, receiving: 256, sending: 0, elsewhere: 0 }]);
  expect(censusCount(log)).toBe(2);
});

it('does not take silence for health', () => {
  expect(() => lastCensus('[  0.1] memcached serves\n')).toThrow(/net.census/);
});

it('names what is lost', () => {
  const [census] = lastCensus(line('1.000001', 5));
  if (!census) throw new Error('no census');
  expect(new BufferLeak(census, { sent: 10, replies: 9 }).message).toMatch(
    /5 of 1927 packet buffers are lost after 10 requests/,
  );
});
