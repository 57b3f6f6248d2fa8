"""Python's sqlite3, feature by feature. Prints a line for each and "all N features" at the end; a failure is a traceback.

Stands in for CPython's test_sqlite3, which Debian does not package. argv[1]: rows where there are many.
"""

import datetime
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading

ROWS = int(sys.argv[1])
FOLDER = tempfile.mkdtemp()
FEATURES = []


def feature(function):
    FEATURES.append(function)
    return function


def database(**options):
    return sqlite3.connect(":memory:", **options)


def numbers(connection, count=ROWS):
    connection.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY, square INTEGER, text TEXT)")
    rows = ((n, n * n, f"number {n}") for n in range(count))
    with connection:
        connection.executemany("INSERT INTO numbers VALUES (?, ?, ?)", rows)
    return connection


def raises(error, function, *arguments):
    try:
        function(*arguments)
    except error as raised:
        return raised
    raise AssertionError(f"{function} raised no {error.__name__}")


@feature
def types_and_parameters():
    connection = database()
    values = (None, 1, -(2**63), 2**63 - 1, 0.1, float("inf"), "ä\0ö\U0001f600", b"\0\xff", "")
    for value in values:
        for statement, parameters in (("SELECT ?", (value,)), ("SELECT :v", {"v": value}), ("SELECT ?1", [value])):
            (back,) = connection.execute(statement, parameters).fetchone()
            assert back == value and type(back) is type(value), (back, value)
    raises(OverflowError, connection.execute, "SELECT ?", (2**63,))
    raises(sqlite3.ProgrammingError, connection.execute, "SELECT ?", (1, 2))
    raises(sqlite3.ProgrammingError, connection.execute, "SELECT ?", ({},))
    assert connection.execute("SELECT typeof(?), typeof(?)", (1.0, bytearray(b"x"))).fetchone() == ("real", "blob")


@feature
def errors():
    connection = database()
    raises(sqlite3.OperationalError, connection.execute, "SELEC 1")
    connection.execute("CREATE TABLE t (a INTEGER UNIQUE NOT NULL CHECK (a < 10), b REFERENCES t (a))")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("INSERT INTO t VALUES (1, NULL)")
    for values, name in (
        ((1, None), "SQLITE_CONSTRAINT_UNIQUE"),
        ((None, None), "SQLITE_CONSTRAINT_NOTNULL"),
        ((11, None), "SQLITE_CONSTRAINT_CHECK"),
        ((2, 7), "SQLITE_CONSTRAINT_FOREIGNKEY"),
    ):
        error = raises(sqlite3.IntegrityError, connection.execute, "INSERT INTO t VALUES (?, ?)", values)
        assert error.sqlite_errorname == name, error.sqlite_errorname
    connection.close()
    raises(sqlite3.ProgrammingError, connection.execute, "SELECT 1")
    raises(sqlite3.OperationalError, sqlite3.connect, "/nowhere/at/all.db")
    assert issubclass(sqlite3.IntegrityError, sqlite3.DatabaseError)


@feature
def cursors():
    connection = numbers(database())
    cursor = connection.execute("SELECT n, square FROM numbers ORDER BY n")
    assert [column[0] for column in cursor.description] == ["n", "square"]
    cursor.arraysize = 3
    assert cursor.fetchmany() == [(0, 0), (1, 1), (2, 4)] and cursor.fetchone() == (3, 9)
    assert sum(1 for _ in cursor) == ROWS - 4 and cursor.fetchone() is None
    cursor.execute("INSERT INTO numbers VALUES (?, 0, '')", (ROWS,))
    assert cursor.lastrowid == ROWS and cursor.rowcount == 1
    assert cursor.execute("UPDATE numbers SET text = 'x' WHERE n < 10").rowcount == 10
    assert cursor.execute("DELETE FROM numbers WHERE n = ? RETURNING text", (1,)).fetchall() == [("x",)]
    cursor.executescript("CREATE TABLE a (x); INSERT INTO a VALUES (1), (2); CREATE TABLE b AS SELECT * FROM a;")
    assert cursor.execute("SELECT count(*) FROM b").fetchone() == (2,)


@feature
def row_and_text_factories():
    connection = database()
    connection.row_factory = sqlite3.Row
    row = connection.execute("SELECT 1 AS a, 'two' AS B").fetchone()
    assert row["A"] == row[0] == 1 and row["b"] == "two" and row.keys() == ["a", "B"] and tuple(row) == (1, "two")
    connection.row_factory = lambda cursor, values: dict(zip((c[0] for c in cursor.description), values))
    assert connection.execute("SELECT 1 AS a").fetchone() == {"a": 1}
    connection.row_factory = None
    connection.text_factory = bytes
    assert connection.execute("SELECT 'ü'").fetchone() == ("ü".encode(),)


@feature
def adapters_and_converters():
    class Point:
        def __init__(self, x, y):
            self.x, self.y = x, y

        def __conform__(self, protocol):
            return f"{self.x};{self.y}" if protocol is sqlite3.PrepareProtocol else None

    sqlite3.register_converter("point", lambda text: Point(*map(int, text.split(b";"))))
    connection = database(detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES)
    connection.execute("CREATE TABLE t (p point, d date, s timestamp)")
    moment = datetime.datetime(2026, 2, 28, 23, 59, 58, 123456)
    connection.execute("INSERT INTO t VALUES (?, ?, ?)", (Point(3, -4), moment.date(), moment))
    point, date, stamp = connection.execute("SELECT * FROM t").fetchone()
    assert (point.x, point.y, date, stamp) == (3, -4, moment.date(), moment)
    assert connection.execute("SELECT p || '' AS 'p [point]' FROM t").fetchone()[0].y == -4


@feature
def functions_and_collations():
    connection = numbers(database())

    class Product:
        def __init__(self):
            self.value = 1

        def step(self, value):
            self.value = self.value * value % 1_000_003

        def finalize(self):
            return self.value

    class Window:
        def __init__(self):
            self.sum = 0

        def step(self, value):
            self.sum += value

        def inverse(self, value):
            self.sum -= value

        def value(self):
            return self.sum

        finalize = value

    connection.create_function("triple", 1, lambda n: 3 * n, deterministic=True)
    connection.create_aggregate("product", 1, Product)
    connection.create_window_function("running", 1, Window)
    connection.create_collation("backwards", lambda a, b: (a[::-1] > b[::-1]) - (a[::-1] < b[::-1]))
    assert connection.execute("SELECT sum(triple(n)) FROM numbers").fetchone()[0] == 3 * ROWS * (ROWS - 1) // 2
    expected = 1
    for n in range(1, ROWS):
        expected = expected * n % 1_000_003
    assert connection.execute("SELECT product(n) FROM numbers WHERE n > 0").fetchone()[0] == expected
    sums = connection.execute("SELECT running(n) OVER (ORDER BY n ROWS 2 PRECEDING) FROM numbers LIMIT 5").fetchall()
    assert sums == [(0,), (1,), (3,), (6,), (9,)]
    texts = connection.execute("SELECT text FROM numbers WHERE n < 20 ORDER BY text COLLATE backwards").fetchall()
    assert texts == sorted(texts, key=lambda row: row[0][::-1])
    connection.create_function("fails", 0, lambda: 1 / 0)
    raises(sqlite3.OperationalError, connection.execute, "SELECT fails()")


@feature
def transactions_and_savepoints():
    connection = numbers(database())
    count = lambda: connection.execute("SELECT count(*) FROM numbers").fetchone()[0]
    try:
        with connection:
            connection.execute("DELETE FROM numbers")
            assert connection.in_transaction and count() == 0
            raise KeyError
    except KeyError:
        pass
    assert count() == ROWS and not connection.in_transaction
    connection.isolation_level = None
    connection.execute("BEGIN")
    connection.execute("DELETE FROM numbers WHERE n < 10")
    connection.execute("SAVEPOINT s")
    connection.execute("DELETE FROM numbers")
    connection.execute("ROLLBACK TO s")
    connection.execute("COMMIT")
    assert count() == ROWS - 10


@feature
def backup_dump_and_serialize():
    connection = numbers(database())
    path = os.path.join(FOLDER, "backup.db")
    steps = []
    with sqlite3.connect(path) as copy:
        connection.backup(copy, pages=5, progress=lambda status, left, total: steps.append(left))
    assert steps[-1] == 0 and steps == sorted(steps, reverse=True)
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()
    again = database()
    again.executescript("\n".join(connection.iterdump()))
    same = "SELECT sum(n), sum(square), count(DISTINCT text) FROM numbers"
    image = connection.serialize()
    assert image[:15] == b"SQLite format 3"
    other = database()
    other.deserialize(image)
    whole = connection.execute(same).fetchone()
    assert again.execute(same).fetchone() == other.execute(same).fetchone() == whole


@feature
def blobs():
    connection = database()
    connection.execute("CREATE TABLE t (b BLOB)")
    connection.execute("INSERT INTO t VALUES (zeroblob(?))", (10 * ROWS,))
    with connection.blobopen("t", "b", 1) as blob:
        assert len(blob) == 10 * ROWS
        blob.seek(ROWS)
        blob.write(b"written")
        blob[0] = 255
        blob[-3:] = b"end"
        raises(ValueError, blob.write, b"x" * (20 * ROWS))
    data = connection.execute("SELECT b FROM t").fetchone()[0]
    assert data[0] == 255 and data[ROWS : ROWS + 7] == b"written" and data.endswith(b"end")


@feature
def hooks():
    connection = numbers(database())
    statements, calls = [], []
    connection.set_trace_callback(statements.append)
    connection.execute("SELECT 42")
    connection.set_trace_callback(None)
    assert statements == ["SELECT 42"]
    slow = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"
    connection.set_progress_handler(lambda: calls.append(1) or len(calls) > 10, 1000)
    raises(sqlite3.OperationalError, lambda: connection.execute(slow).fetchone())
    connection.set_progress_handler(None, 0)
    deny = lambda action, *_: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_DELETE else sqlite3.SQLITE_OK
    connection.set_authorizer(deny)
    raises(sqlite3.DatabaseError, connection.execute, "DELETE FROM numbers")
    connection.set_authorizer(None)
    timer = threading.Timer(0.05, connection.interrupt)
    timer.start()
    raises(sqlite3.OperationalError, lambda: connection.execute(slow).fetchone())
    timer.join()
    old = connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 20)
    raises(sqlite3.DataError, connection.execute, "SELECT 1 -- much too long")
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, old)


@feature
def extensions_of_the_library():
    connection = database()
    connection.execute("CREATE VIRTUAL TABLE words USING fts5 (body)")
    connection.executemany("INSERT INTO words VALUES (?)", [(f"word{n % 97} and word{n % 89}",) for n in range(ROWS)])
    found = connection.execute("SELECT count(*) FROM words WHERE words MATCH 'word5 AND and'").fetchone()[0]
    assert found == sum(1 for n in range(ROWS) if 5 in (n % 97, n % 89))
    connection.execute("CREATE VIRTUAL TABLE places USING rtree (id, left, right, low, high)")
    connection.executemany("INSERT INTO places VALUES (?, ?, ?, ?, ?)", [(i, i, i + 1, i, i + 1) for i in range(100)])
    near = "SELECT id FROM places WHERE left >= 10 AND right <= 13 ORDER BY id"
    assert connection.execute(near).fetchall() == [(10,), (11,), (12,)]
    text = json.dumps({"a": [1, {"b": "c"}]})
    assert connection.execute("SELECT json_extract(?, '$.a[1].b')", (text,)).fetchone() == ("c",)
    assert connection.execute("SELECT round(sqrt(2), 6), instr('abc', 'c')").fetchone() == (1.414214, 3)


@feature
def threads_share_a_file():
    path = os.path.join(FOLDER, "threads.db")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (thread INTEGER, n INTEGER)")
    connection.close()

    def insert(thread):
        own = sqlite3.connect(path, timeout=60)
        for n in range(10):
            with own:
                own.execute("INSERT INTO t VALUES (?, ?)", (thread, n))
        own.close()

    threads = [threading.Thread(target=insert, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*), sum(n) FROM t").fetchone() == (40, 180)
    wrong = []
    thread = threading.Thread(target=lambda: wrong.append(raises(sqlite3.ProgrammingError, connection.commit)))
    thread.start()
    thread.join()
    assert len(wrong) == 1


@feature
def write_ahead_log_and_other_processes():
    path = os.path.join(FOLDER, "wal.db")
    connection = sqlite3.connect(path, timeout=0.1, isolation_level=None)
    assert connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
    connection.execute("CREATE TABLE t (n INTEGER)")
    child = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=60)
with c:
    c.execute("INSERT INTO t VALUES (7)")
    print("written", flush=True)
    sys.stdin.readline()
print(c.execute("SELECT count(*) FROM t").fetchone()[0])
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", child, path], **pipes) as process:
        assert process.stdout.readline() == "written\n"
        # Its transaction is open: readers see what was there before, writers wait in vain.
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
        error = raises(sqlite3.OperationalError, connection.execute, "INSERT INTO t VALUES (8)")
        assert error.sqlite_errorname == "SQLITE_BUSY"
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "1\n"
    connection.execute("INSERT INTO t VALUES (8)")
    assert connection.execute("SELECT sum(n) FROM t").fetchone() == (15,)
    assert os.path.exists(path + "-wal") and os.path.exists(path + "-shm")
    connection.close()
    assert not os.path.exists(path + "-wal")


@feature
def files_attached_vacuumed_and_read_only():
    first, second = (os.path.join(FOLDER, name) for name in ("first.db", "second.db"))
    connection = numbers(sqlite3.connect(first))
    connection.execute("ATTACH ? AS second", (second,))
    with connection:
        connection.execute("CREATE TABLE second.odd AS SELECT n FROM numbers WHERE n % 2")
    with connection:
        connection.execute("DELETE FROM numbers")
    before = os.path.getsize(first)
    connection.execute("VACUUM main")
    assert os.path.getsize(first) < before
    connection.close()
    reader = sqlite3.connect(f"file:{second}?mode=ro", uri=True)
    assert reader.execute("SELECT count(*) FROM odd").fetchone()[0] == ROWS // 2
    raises(sqlite3.OperationalError, reader.execute, "DELETE FROM odd")
    reader.close()
    with open(second, "r+b") as file:
        file.write(b"no database at all")
    damaged = sqlite3.connect(second)
    raises(sqlite3.DatabaseError, damaged.execute, "SELECT * FROM odd")


for function in FEATURES:
    function()
    print(function.__name__.replace("_", " "), flush=True)
print(f"all {len(FEATURES)} features")
