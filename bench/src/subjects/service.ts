import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { AddedFile } from '@plumbline/variants';
import type { WaitAnswerOptions } from '../generator/protocol.ts';
import { compileProgram } from '../programs/compile.ts';
import { GUEST_ADDRESS } from '../vmm/index.ts';
import type { SubjectProgram } from './program.ts';

/** Where a server is about to run. */
export interface ServicePlace {
  readonly vcpus: number;
  /** A folder of this host, of this boot alone, for files that the server is given. */
  readonly directory: string;
  /** A folder that the server may write to, as it sees it. */
  readonly scratch: string;
  /** Where the server finds a file that it is given. */
  seen(file: AddedFile): string;
}

/** How to find out whether a server answers. */
export type Question = Pick<WaitAnswerOptions, 'request' | 'port' | 'transport'>;

/** All of them: what a subject serves that runs any program for Linux. */
export const SERVICE_IDS = ['memcached-udp', 'memcached-tcp', 'redis', 'nginx', 'tcp-peer'] as const;
export type ServiceId = (typeof SERVICE_IDS)[number];

/** A server that is put under load: the same program with the same settings on every subject that runs programs. */
export interface Service {
  readonly id: ServiceId;
  /** Debian packages that have it and its libraries. */
  readonly packages: readonly string[];
  readonly question: Question;
  /** Builds what is ours in it; versions of that, by name. */
  prepare(): Promise<Readonly<Record<string, string>>>;
  program(place: ServicePlace): Promise<SubjectProgram>;
}

const NOTHING_OF_OURS = async (): Promise<Record<string, string>> => ({});

/** A place inside of a guest. */
export function guestPlace(vcpus: number, directory: string): ServicePlace {
  return { vcpus, directory, scratch: '/tmp', seen: ({ guest }) => guest };
}

/** Debian's memcached, over one transport; one worker thread a vCPU. */
function memcached(id: ServiceId, question: Question, transport: readonly string[]): Service {
  return {
    id,
    packages: ['memcached'],
    question,
    prepare: NOTHING_OF_OURS,
    program: async ({ vcpus }) => ({
      packages: ['memcached'],
      // Root of the guest or of the namespace only; changing users would clear the death signal of a process of ours.
      argv: [
        ...(['/usr/bin/memcached', '-u', 'root', '-l', GUEST_ADDRESS, ...transport] as const),
        ...['-t', String(vcpus), '-m', '64'],
      ],
      files: [],
    }),
  };
}

export const MEMCACHED_UDP: Service = memcached('memcached-udp', { request: 'get', port: 11211 }, [
  ...['-U', '11211', '-p', '0'],
]);
export const MEMCACHED_TCP: Service = memcached('memcached-tcp', { request: 'get', port: 11211, transport: 'tcp' }, [
  ...['-U', '0', '-p', '11211', '-c', '4096'],
]);

/** Debian's redis, keeping nothing on a disk. */
export const REDIS: Service = {
  id: 'redis',
  packages: ['redis-server'],
  question: { request: 'ping', port: 6379, transport: 'tcp' },
  prepare: NOTHING_OF_OURS,
  program: async ({ scratch }) => ({
    packages: ['redis-server'],
    argv: [
      ...(['/usr/bin/redis-server', '--bind', GUEST_ADDRESS, '--port', '6379', '--protected-mode', 'no'] as const),
      ...['--save', '', '--appendonly', 'no', '--daemonize', 'no', '--dir', scratch],
    ],
    files: [],
  }),
};

/** What is not said here is as Debian's own configuration has it. */
function nginxConfiguration(folder: string, scratch: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `user root root;
daemon off;
master_process off;
pid ${scratch}/nginx.pid;
error_log stderr warn;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  default_type text/html;
  keepalive_timeout 3600;
  keepalive_requests 1000000000;
${temporary.map((name) => `  ${name}_temp_path ${scratch}/${name};\n`).join('')}  server {
    listen ${GUEST_ADDRESS}:80 backlog=4096;
    root ${folder};
  }
}
`;
}

/** The size of nginx's own first page for many years, and so of what most measurements of it serve. */
export const PAGE_BYTES = 612;
const pageOf = (bytes: number): string => {
  const [head, tail] = ['<!DOCTYPE html>\n<title>Plumbline</title>\n<p>', '</p>\n'];
  return `${head}${'x'.repeat(bytes - head.length - tail.length)}${tail}`;
};

/** Debian's nginx, one process, with one page. */
export const NGINX: Service = {
  id: 'nginx',
  packages: ['nginx'],
  question: { request: 'http', port: 80, transport: 'tcp' },
  prepare: NOTHING_OF_OURS,
  program: async ({ directory, scratch, seen }) => {
    const configuration = { host: join(directory, 'nginx.conf'), guest: '/etc/nginx/plumbline.conf' };
    const page = { host: join(directory, 'index.html'), guest: '/srv/www/index.html' };
    writeFileSync(page.host, pageOf(PAGE_BYTES));
    writeFileSync(configuration.host, nginxConfiguration(dirname(seen(page)), scratch));
    return {
      packages: ['nginx'],
      argv: ['/usr/sbin/nginx', '-e', 'stderr', '-p', scratch, '-c', seen(configuration)],
      files: [configuration, page],
    };
  },
};

const PEER_PATH = '/usr/local/bin/tcp_peer';
/** bench/programs/tcp_peer.c: echoes, discards and sends without end. */
export const TCP_PEER: Service = {
  id: 'tcp-peer',
  packages: ['libc6'],
  question: { request: 'echo', port: 7, transport: 'tcp' },
  // The file's name has the hash of what it was made of.
  prepare: async () => ({ tcp_peer: basename(await compileProgram('tcp_peer')) }),
  program: async () => ({
    packages: ['libc6'],
    argv: [PEER_PATH, GUEST_ADDRESS],
    files: [{ host: await compileProgram('tcp_peer'), guest: PEER_PATH }],
  }),
};
