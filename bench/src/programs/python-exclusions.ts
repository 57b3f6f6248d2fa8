/** Why a method of Python's own tests cannot pass here. */
export type ExclusionReason = 'fork' | 'tcp' | 'second-user';

/** What such a test prints when it is run all the same: the check that it fails for that reason and no other. */
export const REASON_SHOWS: Readonly<Record<ExclusionReason, RegExp>> = {
  // os.fork, and multiprocessing on top of it.
  fork: /Errno 38\] Function not implemented/,
  // The next stage of the network stack.
  tcp: /Errno 97\] Address family not supported by protocol|Errno 93\] Protocol not supported/,
  'second-user': /Operation not permitted/,
};

/** A test method (or a pattern of such, as `python3 -m test -i` takes it) of one of the suites. */
export interface Exclusion {
  readonly suite: string;
  readonly pattern: string;
  readonly reason: ExclusionReason;
}

/** The suites of Debian's libpython3.11-testsuite that must pass. */
export const PYTHON_SUITES = [
  'test_math',
  'test_json',
  'test_re',
  'test_struct',
  'test_threading',
  'test_queue',
  'test_sqlite3',
  'test_zlib',
  'test_hashlib',
  'test_datetime',
  'test_os',
  'test_io',
  'test_mmap',
  'test_select',
  'test_signal',
  'test_asyncio',
] as const;

export const EXCLUSIONS: readonly Exclusion[] = [];
