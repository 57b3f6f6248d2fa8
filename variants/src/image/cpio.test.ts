import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type CpioEntry, writeCpio } from './cpio.ts';

const directory = mkdtempSync(join(tmpdir(), 'plumbline-cpio-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const entries: CpioEntry[] = [
  { path: 'usr/bin/program', kind: 'file', mode: 0o755, data: Buffer.from('12345') },
  { path: 'empty', kind: 'file', mode: 0o644, data: Buffer.alloc(0) },
  { path: 'lib', kind: 'symlink', target: 'usr/lib' },
  { path: 'tmp', kind: 'directory', mode: 0o1777 },
  { path: 'dev/console', kind: 'character-device', mode: 0o600, device: [5, 1] },
];

describe('writeCpio', () => {
  it('gives the same bytes in whatever order the entries come', () => {
    expect(writeCpio([...entries].reverse()).equals(writeCpio(entries))).toBe(true);
  });

  it('is read by cpio(1)', () => {
    const listing = execFileSync('cpio', ['-itv', '--quiet'], { input: writeCpio(entries), encoding: 'utf8' });
    expect(listing).toMatch(/^crw------- .* 5, +1 .* dev\/console$/m);
    const withoutDevice = writeCpio(entries.filter((entry) => entry.kind !== 'character-device'));
    execFileSync('cpio', ['-id', '--quiet'], { input: withoutDevice, cwd: directory });
    expect(readFileSync(join(directory, 'usr/bin/program'), 'utf8')).toBe('12345');
    expect(statSync(join(directory, 'usr/bin/program')).mode & 0o7777).toBe(0o755);
    expect(statSync(join(directory, 'tmp')).mode & 0o7777).toBe(0o1777);
    expect(readlinkSync(join(directory, 'lib'))).toBe('usr/lib');
    expect(statSync(join(directory, 'empty')).size).toBe(0);
  });

  it.each(['/init', 'a/../b', 'a//b', '', './a'])('refuses the path "%s"', (path) => {
    expect(() => writeCpio([{ path, kind: 'directory', mode: 0o755 }])).toThrow(/not relative and normal/);
  });
  it('refuses a path given twice', () => {
    expect(() => writeCpio([...entries, ...entries])).toThrow(/given twice/);
  });
});
