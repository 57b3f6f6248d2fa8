import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withDeadline } from '../deadline.ts';
import { boundToUs } from './launcher.ts';

async function run(argv: readonly string[]): Promise<{ status: unknown; out: string; errors: string }> {
  const [program, ...args] = argv as [string, ...string[]];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let errors = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const [status] = await withDeadline(once(child, 'close'), 10_000, 'the child');
  return { status, out, errors };
}

/** The CPUs that this process may use, as the kernel writes them. */
const allowed = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '';
const show = ['sed', '-n', 's/^Cpus_allowed_list:\t//p', '/proc/self/status'];

describe('the launcher', () => {
  it('becomes the program, on the CPUs it is given', async () => {
    const first = Number.parseInt(allowed, 10);
    expect(await run(boundToUs(show, [first]))).toMatchObject({ status: 0, out: `${first}\n` });
    expect(await run(boundToUs(show))).toMatchObject({ status: 0, out: `${allowed}\n` });
    expect(await run(boundToUs(['printf', '%s', 'a b', '']))).toMatchObject({ status: 0, out: 'a b' });
  });

  it('says what is wrong', async () => {
    expect(await run(boundToUs(['no-such-program-here']))).toMatchObject({
      status: 127,
      errors: 'launcher: no-such-program-here: No such file or directory\n',
    });
    expect((await run(boundToUs(['true'], [1023]))).errors).toBe('launcher: sched_setaffinity: Invalid argument\n');
    const [launcher, parent] = boundToUs([]);
    for (const cpus of ['', '0,', 'x', '-1', '0;1', '1024', '99999999999999999999']) {
      expect(await run([launcher, parent ?? '', cpus, 'true'])).toMatchObject({ status: 2, out: '' });
    }
    expect(await run([launcher])).toMatchObject({ status: 2 });
  });

  it('does not start a program whose parent is gone', async () => {
    const [launcher] = boundToUs([]);
    expect(await run([launcher, String(process.ppid), '-', 'echo', 'alive'])).toMatchObject({ status: 1, out: '' });
  });

  it('lets no program outlive its parent, even one that was killed', async () => {
    const [launcher] = boundToUs([]);
    // A shell in our place: it starts a sleeper, says who it is, and is killed.
    const script = `"${launcher}" $$ - sleep 600 & echo $!; wait`;
    const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await withDeadline(once(parent.stdout, 'data'), 10_000, 'the process id');
    const sleeper = `/proc/${Number(String(line))}`;
    const comm = () => (existsSync(sleeper) ? readFileSync(`${sleeper}/comm`, 'latin1').trim() : 'gone');
    await expect.poll(comm, { timeout: 10_000 }).toBe('sleep');
    parent.kill('SIGKILL');
    // Gone, or dead and waiting for a first process that takes its time.
    const ended = () => !existsSync(sleeper) || / Z /.test(readFileSync(`${sleeper}/stat`, 'latin1'));
    await expect.poll(ended, { timeout: 10_000 }).toBe(true);
  });
});
