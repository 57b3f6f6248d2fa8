import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildKernel, parseVariant } from '@plumbline/variants';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { withDeadline } from '../deadline.ts';
import { REPOSITORY } from '../runner/run-store.ts';

// The real kernel under TCG, so that these run on every machine.
const COMMAND = ['--import', 'tsx', 'bench/src/cli/boot.ts', '--accel', 'tcg', '--memory', '32M'];

let child: ChildProcess | undefined;
beforeAll(async () => {
  await buildKernel(parseVariant('default').values);
}, 600_000);
afterEach(() => {
  child?.kill('SIGKILL');
});

function boot(...args: string[]) {
  return spawnSync(process.execPath, [...COMMAND, ...args], { cwd: REPOSITORY, encoding: 'utf8', timeout: 50_000 });
}

it('a boot option that the kernel does not know ends with its words and code 39', () => {
  const { status, stdout } = boot('--options', 'no-such-option=1');
  expect(stdout).toMatch(/boot option 'no-such-option' is unknown/);
  expect(status).toBe(39);
});

it('a program that the kernel does not have ends with those it has', () => {
  const { status, stdout } = boot('--options', 'run=redis');
  expect(stdout).toMatch(/no application 'redis'/);
  expect(stdout).toMatch(/memcached/);
  expect(status).toBe(39);
});

it.each([
  [['--packages', 'lua5.4'], /option --packages needs --program/],
  [['--program', "lua 'x"], /the quote at "'x" does not end/],
  [['--program', 'lua x | cat'], /"\|" in "\|" would be for a shell/],
  [['--program', 'lua', '--env', 'A'], /option --env: "A" is not allowed. Allowed: NAME=value/],
  [['--program', 'lua', '--file', '/no/such/file:/x'], /option --file: \/no\/such\/file does not exist/],
  [['--program', 'lua', '--file', 'package.json:x'], /option --file: "package.json:x" is not allowed/],
  [['--program', 'lua', '--cwd', 'tmp'], /option --cwd: "tmp" is not allowed/],
  [['--program', 'No_Package'], /which Debian package has "No_Package"\?/],
  [['--program', 'cat', '--packages', 'lua5.4'], /no program "cat" in the image; it has lua, lua5\.4, luac/],
])('a program that cannot be: %j', (args, reason) => {
  const { status, stderr } = boot(...args);
  expect(stderr).toMatch(reason);
  expect(status).toBe(64);
});

it("gives a program's output byte for byte, and its status", () => {
  const program = `lua -e 'io.write(os.getenv("A"), "|\\0|\\r\\n|\\255|"); io.stdout:flush(); io.stderr:write("err"); os.exit(3)'`;
  const { status, stdout } = spawnSync(
    process.execPath,
    [...COMMAND, '--program', program, '--env', 'A=x y', '--env', 'B='],
    { cwd: REPOSITORY, timeout: 50_000 },
  );
  expect(stdout.toString('latin1')).toBe('x y|\0|\r\n|\xff|err');
  expect(status).toBe(3);
});

it("runs a program on a machine with QEMU's firmware, which takes all archives as one", () => {
  const { status, stdout } = boot('--machine', 'q35', '--memory', '128M', '--program', "lua -e 'print(6*7)'");
  expect(stdout).toMatch(/^42\r?\n$/);
  expect(status).toBe(0);
});

it('runs a program of the host with its files, where it is told to, and reports its signal', () => {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-boot-'));
  try {
    writeFileSync(
      join(folder, 'crash.c'),
      '#include <stdio.h>\nint main(int n, char **a) { char t[9] = {0}; fread(t, 1, 8, fopen("data/text", "r")); puts(t); fflush(stdout); return *(volatile char *)0; }\n',
    );
    execFileSync('gcc-12', ['-o', join(folder, 'crash'), join(folder, 'crash.c')]);
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data/text'), 'content');
    const files = [`${folder}/crash:/srv/crash`, `${folder}/data:/srv/data`].flatMap((file) => ['--file', file]);
    const { status, stdout, stderr } = boot('--program', './crash', '--cwd', '/srv', ...files);
    expect(stdout).toBe('content\n');
    expect(stderr).toMatch(/killed by signal 11 \(SIGSEGV\)/);
    expect(status).toBe(139);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('hands our input on, and tells of the kernel with --verbose', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...COMMAND, '--program', `lua -e 'print(#io.read())'`, '--verbose'],
    { cwd: REPOSITORY, encoding: 'utf8', timeout: 50_000, input: 'hello\n' },
  );
  expect(stdout).toMatch(/5\r?\n$/);
  expect(stderr).toMatch(/plumbline on tcg/);
  expect(stderr).toMatch(/program: exit status 0/);
  expect(status).toBe(0);
});

it('a package that Debian does not have is named', () => {
  const { status, stderr } = boot('--program', 'x', '--packages', 'no-such-package-anywhere');
  expect(stderr).toMatch(/no Debian package "no-such-package-anywhere"/);
  expect(status).toBe(69);
});

it('Ctrl-C ends the guest and removes what it left', async () => {
  child = spawn(process.execPath, [...COMMAND, '--gdb', '--options', 'run=none'], {
    cwd: REPOSITORY,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  const waiting = new Promise<string>((resolve) => {
    child?.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const socket = /target remote (\S+)'/.exec(text)?.[1];
      if (socket !== undefined && existsSync(socket)) resolve(socket);
      else if (socket !== undefined) setTimeout(() => resolve(socket), 1_000);
    });
  });
  const socket = await withDeadline(waiting, 40_000, 'the line for gdb');
  expect(existsSync(socket)).toBe(true);
  const ended = new Promise<number | null>((resolve) => child?.once('exit', resolve));
  child.kill('SIGINT');
  expect(await withDeadline(ended, 10_000, 'the end')).toBe(130);
  expect(existsSync(socket)).toBe(false);
});

/** A UDP socket on a free port of 127.0.0.1. */
async function bound(): Promise<{ socket: Socket; port: number }> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { socket, port: socket.address().port };
}

it('a busy port is named before anything is booted', async () => {
  const { socket, port } = await bound();
  try {
    const { status, stderr } = boot('--options', 'run=echo', '--forward', String(port));
    expect(stderr).toMatch(
      new RegExp(`--forward ${port}: UDP port ${port} of 127\\.0\\.0\\.1 cannot be used .*EADDRINUSE`),
    );
    expect(status).toBe(69);
  } finally {
    socket.close();
  }
});

it('a forwarded port reaches the program in the guest', async () => {
  const free = await bound();
  await new Promise<void>((resolve) => free.socket.close(() => resolve()));
  const { socket } = await bound();
  child = spawn(process.execPath, [...COMMAND, '--options', 'run=echo', '--forward', String(free.port)], {
    cwd: REPOSITORY,
    stdio: 'ignore',
  });
  const asking = setInterval(() => socket.send('are you there?', free.port, '127.0.0.1'), 100);
  try {
    const answer = new Promise<string>((resolve) => socket.once('message', (message) => resolve(message.toString())));
    expect(await withDeadline(answer, 40_000, 'an echo')).toBe('are you there?');
  } finally {
    clearInterval(asking);
    socket.close();
    child.kill('SIGINT');
  }
});
