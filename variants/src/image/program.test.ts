import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isAdded, programArchive } from './program.ts';

const directory = mkdtempSync(join(tmpdir(), 'plumbline-program-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('isAdded knows a program by its path, or its name', () => {
  const files = [
    { host: '/h/a', guest: '/srv/a' },
    { host: '/h/tree', guest: '/opt/tree' },
  ];
  expect(['a', '/srv/a', '/opt/tree/bin/x'].map((program) => isAdded(program, files))).toEqual([true, true, true]);
  expect(isAdded('./a', files, '/srv')).toBe(true);
  expect(['./a', 'b', '/a', '/opt/treetop'].map((program) => isAdded(program, files))).toEqual(Array(4).fill(false));
});

describe('programArchive', () => {
  it('tells what to run as zero-terminated strings', async () => {
    const archive = await programArchive({
      argv: ['python3', '-c', 'print(1)'],
      environment: { A: 'b=c' },
      directory: '/tmp',
    });
    const text = execFileSync('cpio', ['-i', '--to-stdout', '--quiet', '.plumbline/program'], {
      input: archive,
      encoding: 'latin1',
    });
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    expect(text.split('\0')).toEqual([
      '3',
      'python3',
      '-c',
      'print(1)',
      '4',
      'A=b=c',
      'HOME=/root',
      path,
      'TERM=dumb',
      '/tmp',
      '',
    ]);
  });

  it('adds files and directories below the merged /usr, and leaves /tmp as it is', async () => {
    const host = join(directory, 'host');
    mkdirSync(host);
    writeFileSync(join(host, 'run'), 'x', { mode: 0o755 });
    writeFileSync(join(host, 'data'), 'y'.repeat(5000), { mode: 0o600 });
    const files = [
      { host, guest: '/tmp/./a' },
      { host: join(host, 'run'), guest: '/bin/run' },
    ];
    const listing = execFileSync('cpio', ['-itv', '--quiet'], {
      input: await programArchive({ argv: ['run'], files }),
      encoding: 'utf8',
    });
    expect(listing).toMatch(/^drwxrwxrwt .* tmp$/m);
    expect(listing).toMatch(/^-rwxr-xr-x .* tmp\/a\/run$/m);
    expect(listing).toMatch(/^-rw-r--r-- .* 5000 .* tmp\/a\/data$/m);
    expect(listing).toMatch(/^-rwxr-xr-x .* usr\/bin\/run$/m);
    const twice = { argv: ['run'], files: [...files, ...files] };
    await expect(programArchive(twice)).rejects.toThrow(/given twice/);
  });

  it('lists the system calls of an added program that has its own', async () => {
    const source = join(directory, 'static.c');
    const program = join(directory, 'static');
    writeFileSync(source, '#include <stdio.h>\nint main(void) { return puts("x") < 0; }\n');
    execFileSync('gcc-12', ['-static', '-Wl,--build-id', '-o', program, source]);
    const archive = await programArchive({ argv: ['/static'], files: [{ host: program, guest: '/static' }] });
    const names = execFileSync('cpio', ['-it', '--quiet'], { input: archive, encoding: 'utf8' });
    expect(names).toMatch(/^\.plumbline\/sites\/[0-9a-f]{40}$/m);
    expect(readFileSync(program).length).toBeLessThan(archive.length);
  });

  it('refuses what the format cannot say', async () => {
    await expect(programArchive({ argv: [] })).rejects.toThrow(/no name/);
    await expect(programArchive({ argv: ['a\0b'] })).rejects.toThrow(/zero byte/);
    await expect(programArchive({ argv: ['a'], directory: 'tmp' })).rejects.toThrow(/"tmp" is not an absolute path/);
  });
});
