import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './stage.ts';

const NOBODY = 65534;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbline-setup-'));
  // A copy: the checkout may lie where only its owner can read.
  cpSync(join(ROOT, 'scripts/setup'), join(folder, 'scripts/setup'), { recursive: true });
  // A machine on which nothing is installed: dpkg knows no package.
  writeFileSync(join(folder, 'dpkg-query'), '#!/bin/sh\nexit 1\n');
  // Whatever the umask is, here and where the checkout was made.
  for (const name of ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })])
    chmodSync(join(folder, name), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

function launch(command: string, before: string[] = []) {
  const argv = [...before, process.execPath, join(folder, 'scripts/setup/launch.mjs'), command];
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const result = spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8', env, timeout: 60_000 });
  return { code: result.status, text: result.stderr };
}

describe('set-up', () => {
  it('refuses a Node that is too old, and says which is needed', async () => {
    const { requireNode } = await import('../setup/node-version.mjs');
    expect(() => requireNode('18.20.4')).toThrow(/Node 18\.20\.4 is too old: Plumbline needs Node 20\.19 or newer/);
    expect(() => requireNode('20.18.9')).toThrow(/too old/);
    for (const version of ['20.19.0', '22.0.0', '24.1.0']) expect(() => requireNode(version)).not.toThrow();
  });

  it.each(['bench', 'test'])(
    'without root, npm run %s prints the one command that installs what is missing, and stops',
    (command) => {
      // Needs root, to be somebody who is not.
      const { code, text } = launch(command, ['setpriv', `--reuid=${NOBODY}`, '--clear-groups', '--']);
      expect(code).toBe(69);
      const lines = text.split('\n').filter((line) => line.includes('sudo apt-get update && sudo apt-get install'));
      expect(lines).toHaveLength(1);
      for (const name of ['qemu-system-x86', 'libdpdk-dev', 'g++-12']) expect(lines[0]).toContain(` ${name}`);
      expect(text).not.toMatch(/installing/);
    },
  );

  it('names the commands there are', () => {
    const { code, text } = launch('banch');
    expect(code).toBe(64);
    expect(text).toMatch(/no command 'banch'; commands are bench, boot, targets/);
  });
});
