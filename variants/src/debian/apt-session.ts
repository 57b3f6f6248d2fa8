import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EnvironmentError, messageOf } from '../errors.ts';
import { runCommand } from '../process/command.ts';
import { removeStaleDirectories } from '../process/temporary-directories.ts';
import { PackageIndex } from './package-index.ts';
import { parseStanzas, type Stanza } from './stanza.ts';

/** Packages could not be had: no network, no apt, or sources that do not offer them. Names the next step. */
export class DebianFetchError extends EnvironmentError {}

/** A package at one version, as apt's signed indexes describe it. */
export interface PackageIdentity {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** SHA-256 of the `.deb` file, hexadecimal. */
  readonly sha256: string;
}

/** Longest time for the indexes, and for one download. */
const UPDATE_DEADLINE_MS = 120_000;
const DOWNLOAD_DEADLINE_MS = 300_000;

/**
 * apt with a state of its own, so that it needs no root and leaves the machine as it was. The machine's configured sources,
 * keys and proxies are used; apt checks the signatures. Nothing is installed according to its (empty) package status.
 */
export class AptSession implements AsyncDisposable {
  private readonly directory: string;
  private readonly options: readonly string[];
  private readonly signal: AbortSignal | undefined;

  private constructor(directory: string, signal: AbortSignal | undefined) {
    this.directory = directory;
    this.signal = signal;
    const settings: Record<string, string> = {
      'Dir::State': join(directory, 'state'),
      'Dir::State::status': join(directory, 'status'),
      'Dir::Cache': join(directory, 'cache'),
      'Dir::Cache::archives': join(directory, 'cache/archives'),
      // Images of Debian for containers switch these off, which makes every question cost half a second.
      'Dir::Cache::pkgcache': 'pkgcache.bin',
      'Dir::Cache::srcpkgcache': 'srcpkgcache.bin',
      'Debug::NoLocking': '1',
      'Acquire::Languages': 'none',
      'Acquire::Retries': '2',
      'Acquire::http::Timeout': '20',
      'Acquire::https::Timeout': '20',
      'APT::Get::AllowUnauthenticated': '0',
    };
    // As root apt would switch to its own user, who cannot write here.
    if (process.getuid?.() === 0) settings['APT::Sandbox::User'] = 'root';
    this.options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  }

  /**
   * Makes a session below `parent` and reads the package indexes.
   * @throws DebianFetchError when no index could be read
   */
  static async open(parent: string, signal?: AbortSignal): Promise<AptSession> {
    await mkdir(parent, { recursive: true });
    await removeStaleDirectories(parent, /^\.(apt|unpack)-/);
    const directory = await mkdtemp(join(parent, '.apt-'));
    const session = new AptSession(directory, signal);
    try {
      await mkdir(join(directory, 'state/lists/partial'), { recursive: true });
      await mkdir(join(directory, 'cache/archives/partial'), { recursive: true });
      await writeFile(join(directory, 'status'), '');
      await session.update();
      return session;
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
  }

  private async run(program: string, args: readonly string[], deadlineMs: number, directory?: string): Promise<string> {
    return runCommand([program, ...this.options, ...args], {
      deadlineMs,
      signal: this.signal,
      ...(directory === undefined ? {} : { directory }),
    });
  }

  private async update(): Promise<void> {
    let failure: unknown;
    try {
      await this.run('apt-get', ['update', '-q'], UPDATE_DEADLINE_MS);
    } catch (error) {
      if (error instanceof EnvironmentError) {
        throw new DebianFetchError(`apt-get is missing: images are made of Debian's packages. ${error.message}`);
      }
      this.signal?.throwIfAborted();
      // One unreachable source of several is not our concern as long as the packages are found in another.
      failure = error;
    }
    const lists = await readdir(join(this.directory, 'state/lists'));
    if (lists.some((name) => /_Packages/.test(name))) return;
    throw new DebianFetchError(
      "Debian's package indexes cannot be read from this machine's apt sources. Check the network and `apt-get update`, then run this again." +
        (failure === undefined ? '' : `\n${messageOf(failure)}`),
    );
  }

  /** The index entries of a package: of one version, or of the candidate. Undefined when it is not offered. */
  async describe(name: string, version?: string): Promise<Stanza | undefined> {
    const wanted = version === undefined ? [`--no-all-versions`, name] : [`${name}=${version}`];
    try {
      return parseStanzas(await this.run('apt-cache', ['show', ...wanted], 30_000))[0];
    } catch (error) {
      this.signal?.throwIfAborted();
      if (/No packages found|No versions found|was not found|Unable to locate/.test(messageOf(error))) return undefined;
      throw error;
    }
  }

  /** Everything that the sources offer. */
  async index(): Promise<PackageIndex> {
    return new PackageIndex(await this.run('apt-cache', ['dumpavail'], 60_000));
  }

  /**
   * Downloads packages and checks each against its SHA-256.
   * @returns the path of each `.deb`, in the order given, below this session's directory
   * @throws DebianFetchError when a download fails or differs
   */
  async download(packages: readonly PackageIdentity[]): Promise<string[]> {
    const directory = await mkdtemp(join(this.directory, 'debs-'));
    try {
      const names = packages.map((item) => `${item.name}=${item.version}`);
      await this.run('apt-get', ['download', '-q', ...names], DOWNLOAD_DEADLINE_MS, directory);
    } catch (error) {
      this.signal?.throwIfAborted();
      throw new DebianFetchError(
        `Debian packages could not be downloaded. Check the network, then run this again.\n${messageOf(error)}`,
      );
    }
    const bySum = new Map<string, string>();
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      bySum.set(
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
        path,
      );
    }
    return packages.map((item) => {
      const path = bySum.get(item.sha256);
      if (path === undefined) {
        throw new DebianFetchError(`package ${item.name} ${item.version}: no download has the SHA-256 ${item.sha256}`);
      }
      return path;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/**
 * The identity of an index entry.
 * @throws DebianFetchError when a field is missing
 */
export function identityOf(stanza: Stanza): PackageIdentity {
  const field = (name: string): string => {
    const value = stanza.get(name);
    if (value === undefined || value === '') {
      throw new DebianFetchError(`package index: ${stanza.get('package') ?? 'an entry'} has no field ${name}`);
    }
    return value;
  };
  return {
    name: field('package'),
    version: field('version'),
    architecture: field('architecture'),
    sha256: field('sha256'),
  };
}
