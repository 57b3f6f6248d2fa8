const EXCLUSION_REASONS = ['fork', 'udp-ipv6', 'second-user'] as const;
/** Why a method of Python's own tests cannot pass here. */
export type ExclusionReason = (typeof EXCLUSION_REASONS)[number];

/** What such a test shows when it is run all the same: the check that it fails for that reason and no other. */
export const REASON_SHOWS: Readonly<Record<ExclusionReason, RegExp>> = {
  // os.fork, multiprocessing on top of it, and what waits for the words of a forked child.
  // The last three are of tests that print only parts of it, or nothing where the child's words should be.
  fork: /Errno 38\] Function not implemented|^AssertionError: ('' != 'end of main|.*\[\d+ chars\]nted' != b'child process ok'|.*\[\d+ chars\]ed\\n' != b'')/m,
  // Address family not supported by protocol.
  'udp-ipv6': /Errno 97\]/,
  'second-user': /Operation not permitted/,
};

/** A test method of one of the suites. */
export interface Exclusion {
  readonly suite: string;
  readonly method: string;
  readonly reason: ExclusionReason;
}

/** A suite of Debian's libpython3.11-testsuite that must pass, or the part of it that a pattern names. */
export interface PythonSuite {
  readonly suite: string;
  readonly only?: string;
}

/** The name of a suite in a list of tests. */
export const suiteTitle = ({ suite, only }: PythonSuite): string => (only === undefined ? suite : `${suite}, ${only}`);

const whole = (...names: readonly string[]): PythonSuite[] => names.map((suite) => ({ suite }));
const asyncio = (...names: readonly string[]): PythonSuite[] =>
  whole(...names.map((name) => `test_asyncio.test_${name}`));

/**
 * Debian's libpython3.11-testsuite leaves out CPython's test_sqlite3, and no other package of Debian has it (in 3.11 it
 * is `Lib/test/test_sqlite3`). In its place bench/programs/sqlite_features.py exercises the module, as a job of jobs.ts.
 */
export const PYTHON_SUITES: readonly PythonSuite[] = [
  ...whole('test_math', 'test_json', 'test_re', 'test_struct', 'test_threading', 'test_queue', 'test_zlib'),
  ...whole('test_hashlib', 'test_datetime', 'test_os', 'test_io', 'test_mmap', 'test_select', 'test_signal'),
  ...whole('test_openpty', 'test_pty', 'test_ioctl'),
  ...asyncio('context', 'futures', 'futures2', 'locks', 'pep492', 'protocols', 'queues', 'runners', 'selector_events'),
  ...asyncio(
    'taskgroups',
    'tasks',
    'threads',
    'timeouts',
    'transports',
    'waitfor',
    'unix_events',
    'subprocess',
    'server',
    'streams',
    'events',
    'buffered_proto',
    'sock_lowlevel',
  ),
  ...whole('test_socketserver', 'test_httpservers'),
];

/** Methods by suite, reason and class. */
type ExcludedMethods = Partial<Record<ExclusionReason, Readonly<Record<string, readonly string[]>>>>;
const EXCLUDED: Readonly<Record<string, ExcludedMethods>> = {
  'test_asyncio.test_events': {
    fork: {
      TestCGetEventLoop: ['test_get_event_loop_new_process'],
      TestPyGetEventLoop: ['test_get_event_loop_new_process'],
    },
    'udp-ipv6': {
      EPollEventLoopTests: ['test_create_datagram_endpoint_ipv6'],
      PollEventLoopTests: ['test_create_datagram_endpoint_ipv6'],
      SelectEventLoopTests: ['test_create_datagram_endpoint_ipv6'],
    },
  },
  test_os: {
    fork: {
      ForkTests: ['test_fork'],
      PidTests: ['test_waitpid', 'test_waitstatus_to_exitcode', 'test_waitstatus_to_exitcode_kill'],
      SpawnTests: [
        'test_nowait',
        'test_spawnl',
        'test_spawnle',
        'test_spawnlp',
        'test_spawnlpe',
        'test_spawnv',
        'test_spawnve',
        'test_spawnve_bytes',
        'test_spawnve_invalid_env',
        'test_spawnvp',
        'test_spawnvpe',
        'test_spawnvpe_invalid_env',
      ],
    },
  },
  test_pty: {
    fork: {
      PtyTest: ['test_fork', 'test_spawn_doesnt_hang'],
    },
  },
  test_re: {
    fork: {
      ReTests: ['test_regression_gh94675'],
    },
  },
  test_threading: {
    fork: {
      ThreadJoinOnShutdown: [
        'test_2_join_in_forked_process',
        'test_3_join_in_forked_from_thread',
        'test_clear_threads_states_after_fork',
      ],
      ThreadTests: [
        'test_dummy_thread_after_fork',
        'test_fork_at_exit',
        'test_is_alive_after_fork',
        'test_main_thread_after_fork',
        'test_main_thread_after_fork_from_nonmain_thread',
      ],
    },
  },
};

/** What is left out of the suites, a method each. */
export const EXCLUSIONS: readonly Exclusion[] = Object.entries(EXCLUDED).flatMap(([suite, reasons]) =>
  EXCLUSION_REASONS.flatMap((reason) =>
    Object.entries(reasons[reason] ?? {}).flatMap(([group, methods]) =>
      methods.map((method) => ({ suite, method: `test.${suite}.${group}.${method}`, reason })),
    ),
  ),
);
