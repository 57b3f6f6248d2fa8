import { expect, it } from 'vitest';
import { terminalTable } from './table.ts';
import { syntheticRun } from './testing/synthetic.ts';

const lines = terminalTable(syntheticRun()).split('\n');

it('prints figure, interval, boots, placement and ratio on one line', () => {
  const start = lines.findIndex((line) => line.startsWith('memcached-udp: Throughput · mix get'));
  expect(lines[start]).toContain('against linux-host');
  expect(lines[start + 2]).toMatch(
    /^ {2}window 1 +plumbline +kvm_pvm +near +[\d.]+ M\/s +[\d.]+ M\/s +[\d.]+ M\/s +5 +[\d.]+× +[\d.]+ to [\d.]+, better \(p = 0\.008\)$/,
  );
});

it('says what was left out, what is elsewhere and what failed', () => {
  const text = lines.join('\n');
  expect(text).toMatch(/4 \(\+1\)/);
  expect(text).toMatch(/\d+ more figures in other placements/);
  expect(text).toMatch(
    /^failed: linux-host debian, memcached-udp window 512, mix get on none: memcached did not answer/m,
  );
});

it('has nothing to say about nothing', () => {
  expect(terminalTable({ samples: [], provenance: [] })).toBe('No figures.\n');
});
