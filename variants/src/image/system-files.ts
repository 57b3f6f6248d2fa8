import type { CpioEntry } from './cpio.ts';
import { MERGED_DIRECTORIES } from './file-tree.ts';

/** Time of the last change of what no package has: Debian 12's release. Zero would be before the times that ZIP files know. */
export const IMAGE_TIME = Date.UTC(2023, 5, 10) / 1000;

/** Directories of every image that no package brings, with their modes. */
const DIRECTORIES: readonly (readonly [path: string, mode: number])[] = [
  ...['dev', 'etc', 'home', 'mnt', 'opt', 'proc', 'run', 'run/lock', 'srv', 'sys', 'usr/bin', 'usr/lib'].map(
    (path) => [path, 0o755] as const,
  ),
  ...['usr/lib64', 'usr/local', 'usr/sbin', 'var', 'var/cache', 'var/lib', 'var/log', 'var/spool'].map(
    (path) => [path, 0o755] as const,
  ),
  ['root', 0o700],
  ['tmp', 0o1777],
  ['var/tmp', 0o1777],
];

/** Files that an installed system has without a package having them. */
const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
  // Files and the name service only: other sources are plug-ins that ask services.
  'etc/nsswitch.conf':
    'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n',
  'etc/hosts': '127.0.0.1\tlocalhost\n::1\tlocalhost\n',
  'etc/hostname': 'plumbline\n',
  'etc/host.conf': 'multi on\n',
  'etc/resolv.conf': '',
};

/** What every image has beside its packages' files. */
export function systemEntries(): CpioEntry[] {
  return [
    ...DIRECTORIES.map(([path, mode]): CpioEntry => ({ path, kind: 'directory', mode })),
    ...MERGED_DIRECTORIES.map((name): CpioEntry => ({ path: name, kind: 'symlink', target: `usr/${name}` })),
    { path: 'var/run', kind: 'symlink', target: '/run' },
    { path: 'var/lock', kind: 'symlink', target: '/run/lock' },
    ...Object.entries(FILES).map(
      ([path, text]): CpioEntry => ({ path, kind: 'file', mode: 0o644, data: Buffer.from(text) }),
    ),
  ];
}
