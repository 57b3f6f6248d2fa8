/** Why a method of Python's own tests cannot pass here. */
export type ExclusionReason = 'fork' | 'tcp' | 'second-user' | 'terminal';

/** What such a test shows when it is run all the same: the check that it fails for that reason and no other. */
export const REASON_SHOWS: Readonly<Record<ExclusionReason, RegExp>> = {
  // os.fork, multiprocessing on top of it, and what waits for the words of a forked child.
  // The last three are of tests that print only parts of it, or nothing where the child's words should be.
  fork: /Errno 38\] Function not implemented|^AssertionError: ('' != 'end of main|.*\[\d+ chars\]nted' != b'child process ok'|.*\[\d+ chars\]ed\\n' != b'')/m,
  // socket() says so, or asyncio, which then has a server without sockets.
  tcp: /Errno 93\] Protocol not supported|Errno 97\]|self\.server\.sockets\[0\]|start_server|create_server/,
  'second-user': /Operation not permitted/,
  // There is no /dev/ptmx.
  terminal: /os\.openpty\(\)/,
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

const whole = (...names: readonly string[]): PythonSuite[] => names.map((suite) => ({ suite }));
const asyncio = (...names: readonly string[]): PythonSuite[] =>
  whole(...names.map((name) => `test_asyncio.test_${name}`));

/** The tests of sqlite3 are not in Debian's package; bench/src/programs/jobs.ts has a job for it instead. */
export const PYTHON_SUITES: readonly PythonSuite[] = [
  ...whole('test_math', 'test_json', 'test_re', 'test_struct', 'test_threading', 'test_queue', 'test_zlib'),
  ...whole('test_hashlib', 'test_datetime', 'test_os', 'test_io', 'test_mmap', 'test_select', 'test_signal'),
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
  ),
  // The rest of these talks TCP; what talks over AF_UNIX has it in its name.
  { suite: 'test_asyncio.test_streams', only: '*unix*' },
  { suite: 'test_asyncio.test_events', only: '*unix*' },
];

export const EXCLUSIONS: readonly Exclusion[] = [
  {
    suite: 'test_asyncio.test_events',
    method: 'test.test_asyncio.test_events.EPollEventLoopTests.test_create_unix_server_path_socket_error',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_events',
    method: 'test.test_asyncio.test_events.PollEventLoopTests.test_create_unix_server_path_socket_error',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_events',
    method: 'test.test_asyncio.test_events.SelectEventLoopTests.test_create_unix_server_path_socket_error',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_server',
    method: 'test.test_asyncio.test_server.SelectorStartServerTests.test_start_server_1',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_unix_events',
    method:
      'test.test_asyncio.test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_blocking_error',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_unix_events',
    method: 'test.test_asyncio.test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_cancel1',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_unix_events',
    method: 'test.test_asyncio.test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_cancel2',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_unix_events',
    method: 'test.test_asyncio.test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_exception',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_unix_events',
    method: 'test.test_asyncio.test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_iobuffer',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_unix_events',
    method: 'test.test_asyncio.test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_not_a_file',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_unix_events',
    method:
      'test.test_asyncio.test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_not_available',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_unix_events',
    method:
      'test.test_asyncio.test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_not_regular_file',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_unix_events',
    method:
      'test.test_asyncio.test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_os_error_first_call',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_unix_events',
    method:
      'test.test_asyncio.test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_os_error_next_call',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_unix_events',
    method:
      'test.test_asyncio.test_unix_events.SelectorEventLoopUnixSocketTests.test_create_unix_connection_path_inetsock',
    reason: 'tcp',
  },
  {
    suite: 'test_asyncio.test_unix_events',
    method: 'test.test_asyncio.test_unix_events.SelectorEventLoopUnixSocketTests.test_create_unix_server_path_inetsock',
    reason: 'tcp',
  },
  { suite: 'test_os', method: 'test.test_os.FDInheritanceTests.test_openpty', reason: 'terminal' },
  { suite: 'test_os', method: 'test.test_os.ForkTests.test_fork', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.PidTests.test_waitpid', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.PidTests.test_waitstatus_to_exitcode', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.PidTests.test_waitstatus_to_exitcode_kill', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.SpawnTests.test_nowait', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.SpawnTests.test_spawnl', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.SpawnTests.test_spawnle', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.SpawnTests.test_spawnlp', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.SpawnTests.test_spawnlpe', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.SpawnTests.test_spawnv', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.SpawnTests.test_spawnve', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.SpawnTests.test_spawnve_bytes', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.SpawnTests.test_spawnve_invalid_env', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.SpawnTests.test_spawnvp', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.SpawnTests.test_spawnvpe', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.SpawnTests.test_spawnvpe_invalid_env', reason: 'fork' },
  { suite: 'test_os', method: 'test.test_os.TestSendfile.test_invalid_offset', reason: 'tcp' },
  { suite: 'test_os', method: 'test.test_os.TestSendfile.test_keywords', reason: 'tcp' },
  { suite: 'test_os', method: 'test.test_os.TestSendfile.test_offset_overflow', reason: 'tcp' },
  { suite: 'test_os', method: 'test.test_os.TestSendfile.test_send_at_certain_offset', reason: 'tcp' },
  { suite: 'test_os', method: 'test.test_os.TestSendfile.test_send_whole_file', reason: 'tcp' },
  { suite: 'test_re', method: 'test.test_re.ReTests.test_regression_gh94675', reason: 'fork' },
  { suite: 'test_signal', method: 'test.test_signal.WakeupFDTests.test_invalid_socket', reason: 'tcp' },
  { suite: 'test_signal', method: 'test.test_signal.WakeupFDTests.test_set_wakeup_fd_socket_result', reason: 'tcp' },
  {
    suite: 'test_threading',
    method: 'test.test_threading.ThreadJoinOnShutdown.test_2_join_in_forked_process',
    reason: 'fork',
  },
  {
    suite: 'test_threading',
    method: 'test.test_threading.ThreadJoinOnShutdown.test_3_join_in_forked_from_thread',
    reason: 'fork',
  },
  {
    suite: 'test_threading',
    method: 'test.test_threading.ThreadJoinOnShutdown.test_clear_threads_states_after_fork',
    reason: 'fork',
  },
  { suite: 'test_threading', method: 'test.test_threading.ThreadTests.test_dummy_thread_after_fork', reason: 'fork' },
  { suite: 'test_threading', method: 'test.test_threading.ThreadTests.test_fork_at_exit', reason: 'fork' },
  { suite: 'test_threading', method: 'test.test_threading.ThreadTests.test_is_alive_after_fork', reason: 'fork' },
  { suite: 'test_threading', method: 'test.test_threading.ThreadTests.test_main_thread_after_fork', reason: 'fork' },
  {
    suite: 'test_threading',
    method: 'test.test_threading.ThreadTests.test_main_thread_after_fork_from_nonmain_thread',
    reason: 'fork',
  },
];
