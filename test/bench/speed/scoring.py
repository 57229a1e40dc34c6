"""Scoring: many rows, a short list under concurrency, parallel workers."""
import concurrent.futures
import io
import statistics
import sys
import time

from measure import Pgbench, Session, interleaved, percentile, ratio

ROWS = 200000
COLUMNS = "viewer, video, channel, length, age"
MICRO = 1e6


def rows_of(limit=None):
    return "(SELECT %s FROM candidate%s) c" % (COLUMNS, " LIMIT %d" % limit if limit else "")


def batched(limit=None, model="bench"):
    return "SELECT easq_batch_score('%s', c) OVER () AS score FROM %s" % (model, rows_of(limit))


def row_wise(limit=None, model="bench"):
    return "SELECT easq_score('%s', c) AS score FROM %s" % (model, rows_of(limit))


def py_rows(function, limit):
    return "SELECT %s(%s) AS score FROM %s" % (function, COLUMNS, rows_of(limit))


def py_matrix(limit):
    return "SELECT unnest(py_matrix(%s)) AS score FROM %s" % (
        ", ".join("array_agg(%s)" % column for column in COLUMNS.split(", ")), rows_of(limit))


def fetch_rows(bench, session, limit=ROWS):
    """As most programs do it: fetchall of the driver, then arrays."""
    np = bench.numpy.np
    table = np.array(session.sql("SELECT %s FROM candidate LIMIT %d" % (COLUMNS, limit)), np.float64)
    return [table[:, i].astype(np.int64) for i in range(3)] + [table[:, 3], table[:, 4]]


def fetch_copy(bench, session, limit=ROWS):
    """The fastest way that we know: COPY in binary, read in place."""
    np = bench.numpy.np
    raw = io.BytesIO()
    session.cursor.copy_expert("COPY (SELECT %s FROM candidate LIMIT %d) TO STDOUT (FORMAT binary)" % (COLUMNS, limit), raw)
    field = [("columns", ">i2")]
    for name, kind in (("viewer", ">i4"), ("video", ">i4"), ("channel", ">i4"), ("length", ">f8"), ("age", ">f8")):
        field += [(name + "_bytes", ">i4"), (name, kind)]
    rows = np.frombuffer(raw.getbuffer(), np.dtype(field), count=limit, offset=19)
    return [rows[name].astype(np.int64) for name in ("viewer", "video", "channel")] + \
        [rows[name].astype(np.float64) for name in ("length", "age")]


def check_scores(bench, limit=20000):
    """Everybody gives the same scores, to 1e-5 |s| + 1e-6."""
    session, scores = bench.session, {}
    column = lambda statement: [row[0] for row in session.sql(statement)]
    reference = column(row_wise(limit))
    scores["easq_batch_score"] = column(batched(limit))
    if bench.plpython:
        scores["PL/Python, rows"] = column(py_rows("py_score", 2000))
        scores["PL/Python, rows, fused"] = column(py_rows("py_score_fused", 2000))
        scores["PL/Python, matrix"] = column(py_matrix(limit))
    if bench.torch:
        torch = bench.torch.torch
        for name, fetch in (("fetchall", fetch_rows), ("COPY", fetch_copy)):
            x = torch.from_numpy(bench.numpy.encode(*fetch(bench, session, limit)))
            scores["PyTorch, both pathways, " + name] = bench.torch.both(x).tolist()
            scores["PyTorch, fused, " + name] = bench.torch.fused(x).tolist()
    for name, peer in scores.items():
        worst = max(abs(a - b) / (1e-5 * abs(a) + 1e-6) for a, b in zip(reference, peer))
        if worst > 1:
            sys.exit("%s does not give the scores of easq_score: %.1f times the tolerance" % (name, worst))
    bench.report.say("The same scores of %d rows from easq_score and %s, within 1e-5 of the score + 1e-6." %
                     (limit, ", ".join(scores)))
    if bench.numpy:
        model, x = bench.numpy, bench.encoded(8192)
        z = model.softplus(x @ model.projection.T + model.projection_bias)
        gates = z @ model.stacked[:model.experts].T + model.stacked_bias[:model.experts]
        bench.report.say("Open gates: %.0f %%." % (100 * (gates > 0).mean()))
    bench.report.say()


def score(bench):
    check_scores(bench)
    session = bench.session
    query = lambda statement, rows: lambda: session.spent("SELECT sum(score) FROM (%s) s" % statement) / rows * MICRO
    measurements = {
        "easq_batch_score": query(batched(), ROWS),
        "easq_score": query(row_wise(), ROWS),
        "easq_batch_score, with factors and beliefs": query(batched(model="whole"), ROWS),
        "easq_score, with factors and beliefs": query(row_wise(model="whole"), ROWS),
        "sequential scan of the columns": lambda: session.spent("SELECT count(age) FROM candidate") / ROWS * MICRO,
        "window function over the row, rank()": query(
            "SELECT rank() OVER () AS score FROM (SELECT c FROM %s OFFSET 0) c" % rows_of(), ROWS),
    }
    if bench.plpython:
        measurements["PL/Python + NumPy, a row at a time, as the reference"] = query(py_rows("py_score", 5000), 5000)
        measurements["PL/Python + NumPy, a row at a time, fused"] = query(py_rows("py_score_fused", 5000), 5000)
        measurements["PL/Python + NumPy, rows aggregated into a matrix"] = query(py_matrix(50000), 50000)
    if bench.arithmetic:
        measurements["OpenBLAS sgemm of the three products, 4,096 rows"] = lambda: bench.arithmetic("gemm", 4096)
        measurements["OpenBLAS sgemv of the three products"] = lambda: bench.arithmetic("gemv")
        measurements["easq's arithmetic alone, 512 rows"] = lambda: bench.arithmetic("batch", 512)
        measurements["easq's arithmetic alone, a row at a time"] = lambda: bench.arithmetic("row")
    if bench.torch:
        measurements.update(torch_measurements(bench))
    times = interleaved(measurements)
    base = times["easq_batch_score"]
    bench.report.say("Processor time on one core, of the backend and of the client together, all in memory.")
    bench.report.say()
    bench.report.table(("what", "us a row", "of easq_batch_score"),
                       [(name, "%.3f" % statistics.median(t), "%.2f x" % ratio(t, base)) for name, t in times.items()])
    goals(bench, times)


def torch_measurements(bench):
    torch, model, numpy_model = bench.torch.torch, bench.torch, bench.numpy
    session = Session()
    x = torch.from_numpy(bench.encoded(100000))
    some = x[:40000]

    def clock(function, rows):
        start = session.cpu() + time.process_time()
        function()
        return (session.cpu() + time.process_time() - start) / rows * MICRO

    whole = lambda fetch: model.fused(torch.from_numpy(numpy_model.encode(*fetch(bench, session))))
    return {
        "PyTorch, rows fetched (fetchall), fused": lambda: clock(lambda: whole(fetch_rows), ROWS),
        "PyTorch, rows fetched (binary COPY), fused": lambda: clock(lambda: whole(fetch_copy), ROWS),
        "PyTorch, compute only, both pathways": lambda: clock(lambda: model.both(some), len(some)),
        "PyTorch, compute only, main pathway, fused": lambda: clock(lambda: model.fused(x), len(x)),
    }


def goals(bench, times):
    against = lambda over, under: ratio(times[over], times[under]) if over in times and under in times else None
    roof = lambda floor: [a + b for a, b in zip(times[floor], times["sequential scan of the columns"])]
    batch, row = "easq_batch_score", "easq_score"
    py, py_fused = ("PL/Python + NumPy, a row at a time, " + how for how in ("as the reference", "fused"))
    gemm, gemv = "OpenBLAS sgemm of the three products, 4,096 rows", "OpenBLAS sgemv of the three products"
    bench.report.goals([
        ("easq_batch_score, faster than PL/Python row-wise", against(py, batch), ">=", 40, " x"),
        ("easq_batch_score, faster than PL/Python row-wise, fused by hand", against(py_fused, batch), ">=", 40, " x"),
        ("easq_batch_score, faster than PyTorch with fetchall", against("PyTorch, rows fetched (fetchall), fused", batch), ">=", 4, " x"),
        ("easq_batch_score, faster than PyTorch with binary COPY", against("PyTorch, rows fetched (binary COPY), fused", batch), ">=", 4, " x"),
        ("easq_batch_score, faster than PyTorch compute only", against("PyTorch, compute only, main pathway, fused", batch), ">=", 1.5, " x"),
        ("easq_batch_score, time of sgemm + scan", ratio(times[batch], roof(gemm)) if gemm in times else None, "<=", 1.6, " x"),
        ("easq_score, faster than PL/Python row-wise", against(py, row), ">=", 20, " x"),
        ("easq_score, faster than PL/Python row-wise, fused by hand", against(py_fused, row), ">=", 20, " x"),
        ("easq_score, time of sgemv + scan", ratio(times[row], roof(gemv)) if gemv in times else None, "<=", 1.4, " x"),
    ])


FEED = """\\set r random(1, 400)
SELECT video FROM (SELECT viewer, video, channel, length, age FROM shortlist WHERE request = :r) c
ORDER BY easq_score('bench', c) DESC LIMIT 10;
"""
FEED_UNSCORED = """\\set r random(1, 400)
SELECT count(c) FROM (SELECT viewer, video, channel, length, age FROM shortlist WHERE request = :r) c;
"""
FEED_BATCHED = """\\set r random(1, 400)
SELECT video FROM (SELECT c.video, easq_batch_score('bench', c) OVER () AS score
FROM (SELECT viewer, video, channel, length, age FROM shortlist WHERE request = :r) c) s
ORDER BY score DESC LIMIT 10;
"""


def processor_time(bench, script):
    """Microseconds of one request in one connection, whatever else the machine does."""
    session = bench.session
    statement = script[script.index("SELECT"):].rstrip(";\n").replace(":r", "$1")
    session.sql("PREPARE request%s AS %s" % ("(int)" if "$1" in statement else "", statement))
    times = [session.spent("EXECUTE request" + ("(%d)" % (1 + request % 400) if "$1" in statement else "")) * MICRO
             for request in range(150)]
    session.sql("DEALLOCATE request")
    return statistics.median(times)


def feed(bench):
    run = lambda script: lambda: Pgbench(script, 2, 3, bench.folder).latencies
    scripts = {"empty query": "SELECT;\n", "the 500 rows, not scored": FEED_UNSCORED,
               "ORDER BY easq_score": FEED, "ORDER BY easq_batch_score": FEED_BATCHED}
    runs = interleaved({name: run(script) for name, script in scripts.items()}, rounds=5)
    spent = {name: processor_time(bench, script) for name, script in scripts.items()}
    half = {name: [percentile(run, 0.5) for run in of] for name, of in runs.items()}
    last = {name: [percentile(run, 0.99) for run in of] for name, of in runs.items()}
    bench.report.say("Top 10 of 500 candidates, 2 pgbench clients, prepared, warm connections; microseconds.")
    bench.report.say()
    rows = [(name, "%.0f" % statistics.median(half[name]), "%.0f" % statistics.median(last[name]), "%.0f" % spent[name]) for name in runs]
    dense = None
    if bench.arithmetic:
        dense = [500 * bench.arithmetic("dense", 500) for _ in range(5)]
        rows.append(("arithmetic of 500 rows: OpenBLAS, softplus and gates", "", "", "%.0f" % statistics.median(dense)))
        rows.append(("arithmetic of 500 rows: easq's own", "", "",
                     "%.0f" % statistics.median(500 * bench.arithmetic("batch", 500) for _ in range(5))))
    bench.report.table(("what", "p50", "p99", "processor time"), rows)
    floor = dense and [a + b for a, b in zip(dense, half["empty query"])]
    bench.report.goals([(name + what, value, "<=", goal, " x") for name in ("ORDER BY easq_score", "ORDER BY easq_batch_score")
                        for what, value, goal in (
                            (", p50 of arithmetic + empty query", ratio(half[name], floor) if floor else None, 2),
                            (", p99 of p50", ratio(last[name], half[name]), 3),
                            (", processor time, of arithmetic + empty query",
                             spent[name] / (statistics.median(dense) + spent["empty query"]) if dense else None, 2))])


def two_of_one(bench):
    """Rows a second of two processes of the arithmetic at once, of one alone: cores may share more than memory."""
    alone = lambda: bench.arithmetic("row")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        both = lambda: statistics.mean(pool.map(lambda _: alone(), range(2)))
        times = interleaved({"one": alone, "two": both})
    return 2 * ratio(times["one"], times["two"])


def parallel(bench):
    rows = 4 * ROWS
    session = Session()
    session.sql("CREATE TABLE many AS SELECT c.* FROM candidate c, generate_series(1, 4)")
    session.sql("ANALYZE many")
    session.sql("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;"
                "SET parallel_leader_participation = off; SET max_parallel_workers_per_gather = 2;")
    # One worker costs as much as none in the planner's eyes, and a backend alone starts no process.
    session.sql("SELECT set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')")

    def with_workers(workers):
        session.sql("ALTER TABLE many SET (parallel_workers = %d)" % workers)
        return session.timed("SELECT sum(easq_score('bench', c)) FROM (SELECT %s FROM many) c" % COLUMNS) / rows * MICRO

    times = interleaved({"1 worker": lambda: with_workers(1), "2 workers": lambda: with_workers(2)})
    bench.report.say("The leader only gathers; by the clock.")
    bench.report.say()
    bench.report.table(("easq_score, 800,000 rows", "us a row"), [(name, "%.3f" % statistics.median(t)) for name, t in times.items()])
    if bench.arithmetic:
        bench.report.say()
        bench.report.say("What the machine gives: two processes with the arithmetic alone, a row at a time, do %.2f times the rows of one." %
                         two_of_one(bench))
        bench.report.say()
    bench.report.goals([("2 workers, faster than 1", ratio(times["1 worker"], times["2 workers"]), ">=", 1.8, " x")])
