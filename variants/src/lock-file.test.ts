import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, type LockAttempt, takeLockFile } from './lock-file.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-lock-'));
  file = join(folder, '.lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

function release(attempt: LockAttempt): void {
  if (!('release' in attempt)) throw new Error(`process ${attempt.holder} has the lock`);
  attempt.release();
}

/** A process that has ended: its number belongs to nobody. */
async function deadProcess(): Promise<number> {
  const child: ChildProcess = spawn('true');
  await new Promise((resolve) => child.on('exit', resolve));
  if (child.pid === undefined) throw new Error('no process');
  return child.pid;
}

describe('a lock file', () => {
  it('names its process and is gone when let go', () => {
    const attempt = takeLockFile(file);
    expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`^${process.pid} \\d+$`));
    release(attempt);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is refused while another process, even of another user, or this one has it', () => {
    // Process 1 is always there, and without privileges it cannot be signalled.
    writeFileSync(file, '1');
    expect(takeLockFile(file)).toEqual({ holder: 1 });
    rmSync(file);
    const own = takeLockFile(file);
    expect(takeLockFile(file)).toEqual({ holder: process.pid });
    release(own);
    release(takeLockFile(file));
  });

  it.each([
    ['a process that has ended', async () => String(await deadProcess())],
    ['an earlier process of our number', async () => String(process.pid)],
    ['an earlier process of a number that lives again', async () => `${process.ppid} 1`],
    ['a crash that left no number', async () => ''],
    ['something else', async () => 'hello\n'],
  ])('of %s is taken over', async (_, content) => {
    writeFileSync(file, await content());
    const attempt = takeLockFile(file);
    expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`^${process.pid} \\d+$`));
    release(attempt);
    expect(existsSync(file)).toBe(false);
  });

  it('goes to one of many processes that find a left-over one at once', async () => {
    writeFileSync(file, String(await deadProcess()));
    // Each holds on until all have tried, so a second success would be seen.
    const program = `
      import { readdirSync, writeFileSync } from 'node:fs';
      const { takeLockFile } = await import(process.argv[1]);
      const attempt = takeLockFile(process.argv[2]);
      writeFileSync(process.argv[3] + '/tried.' + process.pid, '');
      while (readdirSync(process.argv[3]).filter((name) => name.startsWith('tried.')).length < 4)
        await new Promise((resolve) => setTimeout(resolve, 10));
      process.stdout.write('release' in attempt ? 'taken' : 'refused');
      if ('release' in attempt) attempt.release();`;
    const lockFile = fileURLToPath(new URL('lock-file.ts', import.meta.url));
    const contend = () =>
      promisify(execFile)(
        process.execPath,
        ['--import', 'tsx', '--input-type=module', '-e', program, lockFile, file, folder],
        { timeout: 60_000 },
      );
    const said = (await Promise.all([contend(), contend(), contend(), contend()])).map(({ stdout }) => stdout);
    expect(said.filter((word) => word === 'taken')).toHaveLength(1);
    expect(said.filter((word) => word === 'refused')).toHaveLength(3);
  }, 90_000);

  it('cannot be made where there is no folder: the error names the file', () => {
    expect(() => takeLockFile(join(folder, 'nowhere', '.lock'))).toThrow(/ENOENT.*nowhere/);
  });
});

describe('isAlive', () => {
  it('tells running processes from ended ones', async () => {
    expect(isAlive(process.pid)).toBe(true);
    expect(isAlive(1)).toBe(true);
    expect(isAlive(await deadProcess())).toBe(false);
  });
});
