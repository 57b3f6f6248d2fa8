// The Debian packages that the commands need, and what each is for. Versions are Debian 12's.
export const DEBIAN_PACKAGES = {
  build: {
    'g++-12': 'compiles the kernel, the generator and the counting plugin',
    'gcc-12': 'the same, C and assembly',
    cmake: 'builds',
    'ninja-build': 'builds',
    binutils: 'links and reads images; finds the system calls in programs',
    'pkg-config': 'finds DPDK',
    'libdpdk-dev': "the load generator is the other end of the guest's network rings",
    'nlohmann-json3-dev': "the generator's control protocol",
    'xz-utils': 'unpacks kernel modules',
    zstd: 'unpacks packages',
  },
  run: {
    'qemu-system-x86': 'the virtual machine monitor',
    iproute2: 'network namespaces for the Linux host subject',
    'util-linux': 'unshare, nsenter, setpriv, taskset',
    tshark: "reads recordings of our TCP's meetings with Linux's",
  },
  test: {
    'doctest-dev': 'unit tests of the kernel',
    'clang-14': 'fuzzing',
    'libclang-rt-14-dev': 'sanitizer and fuzzer runtime',
    'clang-format-14': 'format check',
    chromium: 'the report page is tested in a browser',
    'fonts-dejavu-core': 'text in the browser tests',
    'libmemcached-tools': 'an independent client that checks the generator',
    'redis-tools': 'the same, over TCP',
    wrk: 'the same, for pages',
    iperf3: 'the same, for streams',
    cpio: "checks the Linux guest's archive",
    git: 'provenance in the tests',
  },
};

/** Package groups by command; a command that is not listed needs none. */
export const GROUPS = {
  bench: ['build', 'run'],
  lock: ['build', 'run'],
  boot: ['build', 'run'],
  targets: ['build', 'run'],
  soak: ['build', 'run'],
  'build-kernel': ['build'],
  fuzz: ['build', 'test'],
  test: ['build', 'run', 'test'],
  format: ['test'],
  lint: ['test'],
};
