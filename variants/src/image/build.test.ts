import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgramImage, type ProgramImage } from './build.ts';

/*
 * Real packages, from the apt sources of this machine or the cache. What the image is for, running in a guest, is tested
 * with the guests; here its programs run on Linux by the image's own loader and libraries.
 */
let directory: string;
let image: ProgramImage;
let tree: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-image-'));
  image = await buildProgramImage(['lua5.4'], { imageDirectory: join(directory, 'first') });
  tree = join(directory, 'tree');
  mkdirSync(tree);
  execFileSync('cpio', ['-id', '--quiet'], { input: readFileSync(image.file), cwd: tree });
}, 300_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Offset of the data of each file with data of a page and more, found by reading the archive from its beginning. */
function largeFiles(archive: Buffer): Map<string, number> {
  const found = new Map<string, number>();
  for (let at = 0; ; ) {
    expect(archive.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number) =>
      Number.parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const [size, nameSize] = [field(6), field(11)];
    const name = archive.toString('utf8', at + 110, archive.indexOf(0, at + 110));
    if (name === 'TRAILER!!!') return found;
    const data = (at + 110 + nameSize + 3) & ~3;
    if (size >= 4096 && (field(1) & 0o170000) === 0o100000) found.set(name, data);
    at = (data + size + 3) & ~3;
  }
}

describe('an image of lua5.4', () => {
  it('is the same to the byte when it is built from nothing, by two at once', async () => {
    const options = { imageDirectory: join(directory, 'second'), cacheDirectory: join(directory, 'packages') };
    const again = await Promise.all([buildProgramImage(['lua5.4'], options), buildProgramImage(['lua5.4'], options)]);
    for (const other of again) expect(readFileSync(other.file).equals(readFileSync(image.file))).toBe(true);
    expect(readdirSync(options.imageDirectory)).toHaveLength(1);
    expect(readFileSync(again[0].reportFile, 'utf8')).toBe(readFileSync(image.reportFile, 'utf8'));
  }, 300_000);

  it('is the same when Python has run from the unpacked packages', async () => {
    const cacheDirectory = join(directory, 'packages');
    const item = readdirSync(cacheDirectory).find((name) => name.startsWith('lua5.4_'));
    const compiled = join(cacheDirectory, item ?? '', 'usr/share/__pycache__');
    mkdirSync(compiled);
    writeFileSync(join(compiled, 'module.cpython-311.pyc'), 'compiled');
    const other = await buildProgramImage(['lua5.4'], { imageDirectory: join(directory, 'third'), cacheDirectory });
    expect(readFileSync(other.file).equals(readFileSync(image.file))).toBe(true);
    expect(other.report.filesLeftOut["Python's compiled modules"]).toEqual({ files: 1, bytes: 8 });
  });

  it('has large files at the boundaries of pages', () => {
    const archive = readFileSync(image.file);
    expect(archive.length % 4096).toBe(0);
    const files = largeFiles(archive);
    expect(files.has('usr/lib/x86_64-linux-gnu/libc.so.6')).toBe(true);
    for (const offset of files.values()) expect(offset % 4096).toBe(0);
  });

  it('runs on Linux by its own loader and libraries, found by the name that update-alternatives gives', () => {
    expect(image.report.alternatives['/usr/bin/lua']).toBe('/usr/bin/lua5.4');
    expect(image.report.programs).toContain('lua');
    const output = execFileSync(
      join(tree, 'lib64/ld-linux-x86-64.so.2'),
      ['--library-path', join(tree, 'usr/lib/x86_64-linux-gnu'), join(tree, 'usr/bin/lua5.4'), '-e', 'print(6*7)'],
      { encoding: 'utf8' },
    );
    expect(output).toBe('42\n');
  });

  it('has the times of the packages, and one of its own', () => {
    const listing = execFileSync('cpio', ['-itv', '--quiet'], { input: readFileSync(image.file), encoding: 'utf8' });
    expect(listing).toMatch(/Jun 1\d +2023 etc\/passwd$/m);
    expect(listing).not.toMatch(/ 19\d\d /);
  });

  it('has what every system has', () => {
    for (const link of ['bin', 'sbin', 'lib', 'lib64']) expect(existsSync(join(tree, link))).toBe(true);
    expect(readFileSync(join(tree, 'etc/passwd'), 'utf8')).toMatch(/^root:x:0:0:/);
    for (const path of ['dev', 'proc', 'sys', 'run', 'tmp', 'root', 'var/tmp']) {
      expect(readdirSync(join(tree, path))).toBeDefined();
    }
  });

  it('says what it left out, and leaves it out', () => {
    const { filesLeftOut, packages, missing } = image.report;
    expect(filesLeftOut.documentation?.files).toBeGreaterThan(10);
    expect(filesLeftOut["glibc's character set modules"]?.bytes).toBeGreaterThan(1 << 20);
    expect(existsSync(join(tree, 'usr/share/doc'))).toBe(false);
    expect(packages.map((line) => line.split(' ')[0])).toEqual(expect.arrayContaining(['libc6', 'lua5.4']));
    expect(missing).toEqual([]);
  });

  it('lists the system calls of libc and the loader', () => {
    const libc = image.report.systemCalls.find(({ path }) => path.endsWith('/libc.so.6'));
    expect(libc?.sites).toBeGreaterThan(500);
    const list = readFileSync(join(tree, '.plumbline/sites', libc?.buildId ?? ''));
    expect(list.toString('latin1', 0, 8)).toBe('PLSITES1');
    expect(list.readUInt32LE(8)).toBe(libc?.sites);
  });
});

it('leaves out a dependency whose programs nothing needs', async () => {
  const { report } = await buildProgramImage(['memcached'], { imageDirectory: join(directory, 'memcached') });
  expect(report.packagesLeftOut).toContain('perl');
  expect(report.programs).toEqual(['memcached']);
  expect(report.scriptsNotRun.memcached?.join('\n')).toMatch(/adduser .* memcache/);
}, 300_000);

describe('bad packages', () => {
  const options = () => ({ imageDirectory: join(directory, 'bad') });
  it('a name that Debian does not have: the error names it and what there is', async () => {
    await expect(buildProgramImage(['lua5.9'], options())).rejects.toThrow(
      /no Debian package "lua5\.9" in this machine's apt sources; there is lua5\.\d/,
    );
  }, 120_000);
  it('what is no name', async () => {
    await expect(buildProgramImage(['Lua 5.4'], options())).rejects.toThrow(/"Lua 5\.4" is not the name/);
    await expect(buildProgramImage(['--help'], options())).rejects.toThrow(/is not the name/);
    await expect(buildProgramImage([], options())).rejects.toThrow(/at least one/);
  });
});
