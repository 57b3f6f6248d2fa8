import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A real job for an unmodified Debian program, and how to see from its output that it was done. */
export interface ProgramJob {
  readonly name: string;
  readonly packages: readonly string[];
  readonly argv: readonly [string, ...string[]];
  /** Text files that the job reads, by their path in the guest. */
  readonly texts?: Readonly<Record<string, string>>;
  /** What its output must match. */
  readonly output: RegExp;
  /** vCPUs; default 1. */
  readonly vcpus?: number;
  /** Seconds it may take on KVM; emulated it may take ten times as long. */
  readonly seconds: number;
}

const SQLITE_FEATURES = fileURLToPath(new URL('../../programs/sqlite_features.py', import.meta.url));

/** Statements that insert so many rows, one transaction each, and ask for a sum over them. */
function inserts(rows: number): string {
  const statements = Array.from(
    { length: rows },
    (_, i) => `INSERT INTO t VALUES (${i}, 'name ${(i * 7919) % rows}');`,
  );
  return [
    'CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT);',
    ...statements,
    'CREATE INDEX names ON t (name);',
    'SELECT count(*), sum(id), count(DISTINCT name) FROM t;',
  ].join('\n');
}

const LUA = `
local words, seed = {}, 1
for i = 1, N do
  seed = (seed * 1103515245 + 12345) % 2147483648
  words[i] = string.format("%08x", seed)
end
table.sort(words)
local sorted = true
for i = 2, #words do sorted = sorted and words[i - 1] <= words[i] end
local routines = {}
for i = 1, 100 do routines[i] = coroutine.wrap(function() for j = 1, 10 do coroutine.yield(j) end end) end
local sum = 0
for _ = 1, 10 do for i = 1, 100 do sum = sum + routines[i]() end end
local file = assert(io.open("/tmp/lua", "w"))
for i = 1, #words do file:write(words[i], "\\n") end
file:close()
local lines = 0
for _ in io.lines("/tmp/lua") do lines = lines + 1 end
print(sorted, sum, lines == #words, os.getenv("HOME"))
`;

const PYTHON = `
import collections, hashlib, json, os, re, sqlite3, subprocess, sys, threading, zlib
words = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(N)]
table = collections.Counter(word[0] for word in words)
text = json.dumps(dict(sorted(table.items())))
assert json.loads(text) == dict(table)
assert zlib.decompress(zlib.compress("".join(words).encode())) == "".join(words).encode()
database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE t (w TEXT)")
database.executemany("INSERT INTO t VALUES (?)", [(word,) for word in words])
rows = database.execute("SELECT count(DISTINCT w) FROM t").fetchone()[0]
total, lock = 0, threading.Lock()
def add(part):
    global total
    for word in part:
        with lock:
            total += len(re.findall("a", word))
threads = [threading.Thread(target=add, args=(words[i::4],)) for i in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
child = subprocess.run([sys.executable, "-c", "import sys; print(sys.stdin.read().upper())"], input="child", capture_output=True, text=True)
print(rows == N, total == sum(word.count("a") for word in words), child.stdout.strip(), child.returncode, os.getcwd())
`;

const RUBY = `
require "json"
require "digest"
words = (0...N).map { |i| Digest::SHA256.hexdigest(i.to_s) }
counts = words.group_by { |w| w[0] }.transform_values(&:size)
raise unless JSON.parse(JSON.generate(counts)) == counts
queue, done = Queue.new, Queue.new
threads = 4.times.map { Thread.new { while (w = queue.pop) != :end; done << w.count("a"); end } }
words.each { |w| queue << w }
4.times { queue << :end }
threads.each(&:join)
sum = 0
sum += done.pop until done.empty?
fibers = 100.times.map { |i| Fiber.new { 10.times { |j| Fiber.yield i * j }; nil } }
total = fibers.sum { |f| s = 0; while (v = f.resume); s += v; end; s }
File.write("/tmp/ruby", words.join("\\n"))
puts [sum == words.sum { |w| w.count("a") }, total, File.readlines("/tmp/ruby").size == N].join(" ")
`;

const PERL = `
use strict; use warnings; use List::Util qw(sum); use Digest::SHA qw(sha256_hex); use POSIX qw(floor);
my %count; my @words = map { sha256_hex($_) } 0 .. N - 1;
$count{substr($_, 0, 1)}++ for @words;
open(my $out, ">", "/tmp/perl") or die $!; print $out "$_\\n" for sort @words; close $out;
open(my $in, "<", "/tmp/perl") or die $!; my @lines = <$in>; close $in;
my $vowels = () = join("", @words) =~ /[ae]/g;
local $SIG{ALRM} = sub { die "alarm\\n" }; my $caught = "";
eval { alarm 1; select(undef, undef, undef, 10); 1 } or $caught = $@; chomp $caught;
print join(" ", sum(values %count) == N ? "ok" : "wrong", scalar(@lines) == N ? "ok" : "wrong", $vowels > 0 ? "ok" : "wrong", $caught), "\\n";
`;

function script(text: string, size: number): string {
  return text.replaceAll(/\bN\b/g, String(size));
}

/** One job a program; `short` ones are for emulation, where everything takes a hundred times as long. */
export function programJobs(length: 'whole' | 'short'): ProgramJob[] {
  const size = length === 'whole' ? 20_000 : 500;
  const rows = length === 'whole' ? 60_000 : 500;
  const sysbench = (test: string, ...options: string[]): ProgramJob => ({
    name: `sysbench ${test}`,
    packages: ['sysbench'],
    argv: ['sysbench', test, '--threads=4', ...options, 'run'],
    output: /total number of events: +[1-9]|Total operations: [1-9]/,
    seconds: 60,
  });
  return [
    {
      name: 'lua5.4',
      packages: ['lua5.4'],
      argv: ['lua5.4', '/job.lua'],
      texts: { '/job.lua': script(LUA, size) },
      output: /^true\t5500\ttrue\t\/root\n$/,
      seconds: 30,
    },
    {
      name: 'sqlite3',
      packages: ['sqlite3'],
      argv: ['sqlite3', ':memory:', '.read /job.sql'],
      texts: { '/job.sql': inserts(rows) },
      output: new RegExp(`^${rows}\\|${(rows * (rows - 1)) / 2}\\|\\d+\\n$`),
      seconds: 60,
    },
    {
      name: 'sqlite3 with a file',
      packages: ['sqlite3'],
      argv: [
        'sqlite3',
        '/tmp/job.db',
        'PRAGMA synchronous=FULL;',
        'BEGIN;',
        '.read /job.sql',
        'COMMIT;',
        'PRAGMA integrity_check;',
      ],
      texts: { '/job.sql': inserts(rows / 10) },
      output: /\nok\n$/,
      seconds: 60,
    },
    {
      name: 'python3',
      packages: ['python3'],
      argv: ['python3', '/job.py'],
      texts: { '/job.py': script(PYTHON, size) },
      output: /^True True CHILD 0 \/\n$/,
      seconds: 60,
    },
    {
      name: 'sqlite3 of python3, by feature',
      packages: ['python3'],
      argv: ['python3', '/job.py', length === 'whole' ? '3000' : '400'],
      texts: { '/job.py': readFileSync(SQLITE_FEATURES, 'utf8') },
      output: /\nall 14 features\n$/,
      seconds: 60,
    },
    {
      name: 'ruby',
      packages: ['ruby'],
      argv: ['ruby', '/job.rb'],
      texts: { '/job.rb': script(RUBY, size) },
      output: /^true 222750 true\n$/,
      seconds: 60,
    },
    {
      name: 'perl',
      packages: ['perl'],
      argv: ['perl', '/job.pl'],
      texts: { '/job.pl': script(PERL, size) },
      output: /^ok ok ok alarm\n$/,
      seconds: 60,
    },
    sysbench('memory', `--memory-total-size=${length === 'whole' ? '1G' : '1M'}`),
    sysbench('threads', `--events=${length === 'whole' ? 2000 : 20}`, '--thread-locks=4'),
    sysbench('mutex', `--mutex-locks=${length === 'whole' ? 5000 : 50}`, '--mutex-loops=100'),
    {
      name: 'hackbench -T',
      packages: ['rt-tests'],
      argv: ['hackbench', '-T', '-g', length === 'whole' ? '4' : '1', '-l', length === 'whole' ? '100' : '5'],
      output: /^Time: \d+\.\d+$/m,
      seconds: 60,
    },
    {
      name: 'hackbench -T -p',
      packages: ['rt-tests'],
      argv: ['hackbench', '-T', '-p', '-g', length === 'whole' ? '4' : '1', '-l', length === 'whole' ? '100' : '5'],
      output: /^Time: \d+\.\d+$/m,
      seconds: 60,
    },
    {
      name: 'openssl speed',
      packages: ['openssl'],
      argv: ['openssl', 'speed', '-seconds', '1', '-bytes', '1024', 'sha256', 'aes-256-cbc'],
      output: /sha256 +\d+[\s\S]*k/,
      seconds: 60,
    },
  ];
}
