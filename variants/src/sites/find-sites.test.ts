import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchImagePackages } from '../debian/fetch.ts';
import { packagedFile } from '../debian/package-cache.ts';
import { parseInstruction } from './disassembly.ts';
import { findSites } from './find-sites.ts';
import { encodeSiteList, siteListOf } from './site-list.ts';

const directory = mkdtempSync(join(tmpdir(), 'plumbline-sites-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Assembles functions, each with an entry in the unwind table, and finds their sites. */
async function sitesOf(text: string) {
  const source = join(directory, 'code.S');
  const object = join(directory, 'code.so');
  writeFileSync(source, `${text}\n.section .note.GNU-stack,"",@progbits\n`);
  execFileSync('gcc-12', ['-shared', '-nostdlib', '-Wl,--eh-frame-hdr,--build-id', '-o', object, source]);
  const found = await findSites(object, readFileSync(object));
  const symbols = new Map(
    [...execFileSync('nm', [object], { encoding: 'latin1' }).matchAll(/^([0-9a-f]+) \w (\w+)$/gm)].map((match) => [
      match[2],
      Number.parseInt(match[1] ?? '', 16),
    ]),
  );
  const offsets = (found?.sites ?? []).map(({ window, length, offset }) => ({
    window: window - (symbols.get('f') ?? 0),
    ...{ length, offset },
  }));
  return { offsets, reasons: (found?.refused ?? []).map(({ reason }) => reason) };
}

function functionText(name: string, body: string): string {
  return `.globl ${name}\n.type ${name},@function\n${name}:\n.cfi_startproc\n${body}\n.cfi_endproc\n.size ${name},.-${name}\n`;
}

describe('windows', () => {
  it('take the instruction that sets the number', async () => {
    const { offsets } = await sitesOf(functionText('f', 'mov $39,%eax\nsyscall\nret'));
    expect(offsets).toEqual([{ window: 0, length: 7, offset: 5 }]);
  });
  it('take what follows, when nothing before can be moved', async () => {
    const { offsets } = await sitesOf(functionText('f', 'syscall\ncmp $-4096,%rax\nja 1f\nret\n1: hlt'));
    expect(offsets).toEqual([{ window: 0, length: 8, offset: 0 }]);
  });
  it('may begin, but not go on, where something jumps to', async () => {
    const inside = 'test %edi,%edi\njz 1f\nmov $39,%eax\n1: syscall\nret';
    expect(await sitesOf(functionText('f', inside))).toEqual({
      offsets: [],
      reasons: ['no window of whole movable instructions'],
    });
    const { offsets } = await sitesOf(functionText('f', 'test %edi,%edi\njz 1f\nnop\n1: mov $39,%eax\nsyscall\nret'));
    expect(offsets).toEqual([{ window: 5, length: 7, offset: 5 }]);
  });
  it('keep the targets of jump tables out of their inside', async () => {
    const jump = 'lea table(%rip),%rdx\nmovslq (%rdx,%rdi,4),%rax\nadd %rdx,%rax\nnotrack jmp *%rax\n';
    const code = functionText('f', `${jump}1: mov $39,%eax\n2: syscall\nret`);
    expect((await sitesOf(`${code}.section .rodata\ntable: .long 1b-table, 2b-table`)).offsets).toEqual([]);
    expect((await sitesOf(`${code}.section .rodata\ntable: .long 1b-table, 1b-table, 0`)).offsets).toHaveLength(1);
  });
  it('keep code whose address is in data out of their inside', async () => {
    const code = functionText('f', 'mov $39,%eax\n1: syscall\nret');
    expect((await sitesOf(`${code}.section .data.rel.ro,"aw"\n.quad 1b`)).offsets).toEqual([]);
  });
  it('have nothing that depends on its place', async () => {
    const { reasons } = await sitesOf(functionText('f', 'mov 1f(%rip),%eax\nsyscall\nret\n1: .long 39'));
    expect(reasons).toEqual(['no window of whole movable instructions']);
  });
});

describe('what is no site', () => {
  it('is the same two bytes in a constant and between functions', async () => {
    const constant = functionText('f', 'mov $0x9050f90,%eax\nmovabs $0x50f050f050f050f,%rdx\nret');
    const table = '.byte 0x0f,0x05,0xc3,0x0f,0x05,0x90,0x90,0x90\n';
    const { offsets, reasons } = await sitesOf(`${constant}${table}${functionText('g', 'ret')}`);
    expect(offsets).toEqual([]);
    for (const reason of reasons) expect(reason).toMatch(/no function of the unwind table/);
  });
  it('is after a table in the middle of a function that leads linear decoding astray', async () => {
    const body = 'jmp 1f\n.byte 0x48\n1: mov $39,%eax\nsyscall\nret\n.skip 16,0x90';
    // 48 b8 swallows what follows as a constant of 8 bytes: the real call cannot be told, so it is left alone.
    const { offsets } = await sitesOf(functionText('f', body));
    expect(offsets).toEqual([]);
  });
  it.each([
    ['rt_sigreturn', 15],
    ['clone', 56],
    ['vfork', 58],
    ['clone3', 435],
  ])('is %s', async (_, number) => {
    const { offsets, reasons } = await sitesOf(functionText('f', `mov $${number},%eax\nsyscall\nret`));
    expect(offsets).toEqual([]);
    expect(reasons).toEqual([`call ${number} does not simply return`]);
  });
  it('is in files that are no ELF files, or damaged ones', async () => {
    const file = join(directory, 'damaged');
    for (const bytes of [Buffer.alloc(0), Buffer.from('#!/bin/sh\n'), Buffer.from('7f454c460201', 'hex')]) {
      writeFileSync(file, bytes);
      expect(await findSites(file, bytes)).toBeUndefined();
      expect(await siteListOf(file, bytes, directory)).toBeUndefined();
    }
  });
});

it('parses lines of objdump, and only those', () => {
  expect(parseInstruction('   26428:\t0f 05                \tsyscall')).toEqual({
    address: 0x26428,
    length: 2,
    text: 'syscall',
  });
  expect(parseInstruction('0000000000026380 <abort@@GLIBC_2.2.5>:')).toBeUndefined();
  expect(parseInstruction('    1000:\t06                   \t(bad)')?.text).toBe('(bad)');
});

it('encodes a list as the kernel reads it', () => {
  expect(encodeSiteList([{ window: 0x1234, length: 7, offset: 5 }]).toString('hex')).toBe(
    '504c534954455331010000003412000007050000',
  );
});

describe("Debian's C library and loader", () => {
  let tree: string;
  let libraries: string[];
  beforeAll(async () => {
    const { packages } = await fetchImagePackages(['python3']);
    tree = join(directory, 'sites');
    mkdirSync(tree);
    libraries = ['libc.so.6', 'ld-linux-x86-64.so.2'].map((name) =>
      packagedFile(packages, `/usr/lib/x86_64-linux-gnu/${name}`),
    );
    for (const file of libraries) {
      const list = await siteListOf(file, readFileSync(file));
      if (list !== undefined) writeFileSync(join(tree, list.buildId), encodeSiteList(list.search.sites));
    }
  }, 300_000);

  it('have no site whose instructions are not whole', async () => {
    for (const file of libraries) {
      const list = await siteListOf(file, readFileSync(file));
      const sites = list?.search.sites ?? [];
      expect(sites.length).toBeGreaterThan(40);
      for (const [index, { window, length, offset }] of sites.entries()) {
        expect(length).toBeGreaterThanOrEqual(5);
        expect(length).toBeLessThanOrEqual(15);
        expect(offset + 2).toBeLessThanOrEqual(length);
        const next = sites[index + 1]?.window ?? Number.POSITIVE_INFINITY;
        expect(window + length).toBeLessThanOrEqual(next);
      }
      // rt_sigreturn, clone, vfork, fork's clone, clone3; everything else is replaced.
      expect(list?.search.refused.length).toBeLessThanOrEqual(5);
    }
  });

  it('do their work on Linux with every site replaced by a jump', async () => {
    const { packages } = await fetchImagePackages(['python3']);
    const preload = join(directory, 'replace_calls.so');
    const source = fileURLToPath(new URL('testing/replace_calls.c', import.meta.url));
    execFileSync('gcc-12', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', preload, source]);
    const folders = [
      ...new Set(
        packages.flatMap((item) => ['lib', 'usr/lib'].map((lib) => join(item.directory, lib, 'x86_64-linux-gnu'))),
      ),
    ];
    const program = `
import os, threading, queue, tempfile, select, signal, time, mmap
q = queue.Queue(4)
threads = [threading.Thread(target=lambda: [q.put(i) for i in range(500)]) for _ in range(4)]
for t in threads: t.start()
total = sum(q.get() for _ in range(2000))
for t in threads: t.join()
with tempfile.TemporaryFile() as f:
    f.write(b'x' * 100000); f.flush(); f.seek(0)
    with mmap.mmap(f.fileno(), 100000) as m: total += m[99999]
r, w = os.pipe(); os.write(w, b'y'); total += len(select.select([r], [], [], 5)[0])
hits = []
signal.signal(signal.SIGALRM, lambda *_: hits.append(1)); signal.setitimer(signal.ITIMER_REAL, 0.01); time.sleep(0.1)
print(os.environ['REPLACED'], total, len(hits), len(os.listdir('/proc/self/task')))
`;
    const output = execFileSync(
      packagedFile(packages, '/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2'),
      [
        '--library-path',
        folders.join(':'),
        '--preload',
        preload,
        packagedFile(packages, '/usr/bin/python3.11'),
        '-S',
        '-c',
        program,
      ],
      {
        encoding: 'utf8',
        timeout: 60_000,
        env: {
          SITES: tree,
          PYTHONPATH:
            packages.map((item) => join(item.directory, 'usr/lib/python3.11')).join(':') +
            `:${packages.map((item) => join(item.directory, 'usr/lib/python3.11/lib-dynload')).join(':')}`,
        },
      },
    );
    expect(output).toMatch(/^(\d{3}) 499121 1 1\n$/);
    expect(Number(output.slice(0, 3))).toBeGreaterThan(550);
  });
});
