import { expect, it } from 'vitest';
import { devicesAfter, servesAfter, toldTime } from './ready-line.ts';

const START = '[  0.000391] plumbline on kvm_pvm, 1 cpu\n';
const DEVICES = '[  0.002727] main thread after 408 us, devices after 2727 us\n';
const SERVES = '[  1.002798] memcached serves 10.9.0.2/24 on 1 queue of virtio-pci 00:02.0\n';

it('takes the time of the line that says who serves', () => {
  expect(servesAfter(START + DEVICES)).toBeUndefined();
  expect(devicesAfter(START + DEVICES)).toBe(2_727_000);
  expect(servesAfter(START + DEVICES + SERVES)).toBe(1_002_798_000);
});

it('waits no longer than it may, and not for a guest that has ended', async () => {
  expect(await toldTime({ log: () => START }, servesAfter, 30)).toBeUndefined();
  let reads = 0;
  const growing = { log: () => (reads++ > 1 ? SERVES : START) };
  expect(await toldTime(growing, servesAfter, 5_000)).toBe(1_002_798_000);
});
