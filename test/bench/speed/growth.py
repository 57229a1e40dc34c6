"""Memory of a connection with a very large table, and cost as work grows."""
import io
import statistics
import time

from measure import Pgbench, Session, interleaved

MICRO = 1e6
COLUMNS = "viewer, video, channel, length, age"
SHAPE = '{"hidden": 128, "expert_hidden": 64, "experts": 4, "satisfaction_experts": 2, "rank": 8}'


def private_kilobytes(session):
    with open("/proc/%d/smaps_rollup" % session.pid) as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_"))


def create_wide(session, name, categories):
    session.sql("SELECT easq_create_model(%s, jsonb_build_array(jsonb_build_object("
                "'name', 'item', 'kind', 'categorical', 'size', %s, 'dim', 16, 'encoding', 'index')), %s)", (name, categories, SHAPE))


def first_score(name, item):
    """A new connection: milliseconds of its first score, megabytes that it added, and milliseconds of the second."""
    session = Session()
    session.sql("SELECT 1")
    before = private_kilobytes(session)
    statement = "SELECT easq_score('%s', c) FROM (SELECT %d AS item) c" % (name, item)
    first = session.timed(statement) * 1000
    added = (private_kilobytes(session) - before) / 1024
    again = min(session.timed(statement) for _ in range(20)) * 1000
    session.close()
    return first, added, again


def share(session, size):
    """Sets easq.shared_cache_size for all connections from here on."""
    session.sql("ALTER SYSTEM SET easq.shared_cache_size = '%s'" % size)
    session.sql("SELECT pg_reload_conf()")
    for _ in range(1000):
        probe = Session()
        there = probe.value("SELECT setting::bigint = pg_size_bytes(%s) / 1024 FROM pg_settings WHERE name = 'easq.shared_cache_size'", (size,))
        probe.close()
        if there:
            return
        time.sleep(0.01)
    raise RuntimeError("easq.shared_cache_size does not change")


def median_first_score(connections):
    measured = [first_score("huge", 5000000 + i) for i in range(connections)]
    return tuple(statistics.median(m[i] for m in measured) for i in (0, 1))


def within_limit(size):
    """Megabytes that a connection has once it has gone from the huge model to another, and those it had before."""
    session = Session()
    session.sql("SET easq.cache_size = '%s'" % size)
    before = private_kilobytes(session)
    session.sql("SELECT easq_score('huge', c) FROM (SELECT 1 AS item) c")
    in_use = private_kilobytes(session)
    session.sql("SELECT easq_score('bench', c) FROM (SELECT %s FROM candidate LIMIT 1) c" % COLUMNS)
    afterwards = private_kilobytes(session)
    session.close()
    return (afterwards - before) / 1024, (in_use - before) / 1024


def memory(bench):
    report, session = bench.report, bench.session
    create_wide(session, "huge", 10000000)
    share(session, "4GB")
    loading, _, _ = first_score("huge", 1)
    # the one that loaded is gone; another has it mapped
    holder = Session()
    holder.sql("SELECT sum(easq_score('huge', c)) FROM (SELECT i AS item FROM generate_series(0, 9999999, 50) i) c")
    first, added = median_first_score(5)
    holder.close()
    share(session, "0")
    own_first, own_added = median_first_score(3)
    within, in_use = within_limit("64MB")
    share(session, "4GB")
    session.sql("SELECT easq_drop_model('huge')")
    report.say("A table of 10 million categories x 16 (610 MB).  Private_* of smaps_rollup, before and after the first score.")
    report.say()
    report.table(("what", "shared cache", "each its own copy"), [
        ("first score of the connection that loads it", "%.0f ms" % loading, "%.0f ms" % own_first),
        ("first score of a further connection", "%.1f ms" % first, "%.0f ms" % own_first),
        ("memory that a further connection adds", "%.1f MB" % added, "%.0f MB" % own_added),
        ("the same with easq.cache_size = 64MB, model in use", "", "%.0f MB" % in_use),
        ("the same, after another model was used", "", "%.1f MB" % within)])
    report.goals([("memory of a further connection, shared cache", added, "<=", 20, " MB"),
                  ("first score of a further connection, shared cache", first, "<=", 10, " ms"),
                  ("own copies, easq.cache_size = 64MB, the large model not in use", within, "<=", 64, " MB")])


def growth(bench):
    bench.report.say("Cost of one unit as work grows: 1, 10 and 100 times as much; processor time, but first scores, warm queries and connections by the clock.  The last column is the third divided by the first: 1 is linear, less is better.")
    bench.report.say()
    rows = [grown(measured) for measured in
            (rows_scored(bench), candidates(bench), answers(bench)) + categories(bench) + (models(bench), connections(bench))]
    bench.report.table(("what", "x 1", "x 10", "x 100", "cost of a unit, x 100 of x 1"), [row for row, _ in rows])
    bench.report.goals([(what + ", x 100 of x 1", cost, "<=", 1.25, " x") for _, (what, cost) in rows])


def grown(measured):
    """(what, unit, [(amount, cost of a unit)]) -> table row, goal"""
    what, unit, costs = measured
    return ((what,) + tuple("%s: %.3g %s" % (amount, cost, unit) for amount, cost in costs) +
            ("%.2f x" % (costs[-1][1] / costs[0][1]),)), (what, costs[-1][1] / costs[0][1])


def medians(measurements, rounds=5):
    return {name: statistics.median(times) for name, times in interleaved(measurements, rounds).items()}


def rows_scored(bench):
    session = bench.session
    amounts = (2000, 20000, 200000)
    query = lambda rows: lambda: session.spent(
        "SELECT sum(score) FROM (SELECT easq_batch_score('bench', c) OVER () AS score FROM (SELECT %s FROM candidate LIMIT %d) c) s"
        % (COLUMNS, rows)) / rows * MICRO
    times = medians({rows: query(rows) for rows in amounts})
    return "rows of easq_batch_score", "us a row", [("{:,}".format(n), times[n]) for n in amounts]


def candidates(bench):
    session = bench.session
    amounts = (50, 500, 5000)
    query = lambda rows: lambda: statistics.median(session.spent(
        "SELECT video FROM (SELECT %s FROM candidate LIMIT %d) c ORDER BY easq_score('bench', c) DESC LIMIT 10" % (COLUMNS, rows))
        for _ in range(20)) / rows * MICRO
    times = medians({rows: query(rows) for rows in amounts})
    return "candidates of a top 10", "us a candidate", [("{:,}".format(n), times[n]) for n in amounts]


def answers(bench):
    session = bench.session
    amounts = (100, 1000, 10000)
    session.sql("CREATE TABLE growing (LIKE questionnaire)")
    session.sql("SELECT easq_learn('bench', 'growing')")

    def copy(count):
        file = io.StringIO()
        session.cursor.copy_expert("COPY (SELECT viewer AS user_id, %s, CASE WHEN video %% 2 = 0 THEN 'satisfied' ELSE 'dissatisfied' END "
                                   "FROM candidate LIMIT %d) TO STDOUT" % (COLUMNS, count), file)

        def timed():
            file.seek(0)
            before = session.cpu()
            session.cursor.copy_expert("COPY growing FROM STDIN", file)
            return (session.cpu() - before) / count * MICRO
        return timed

    times = medians({count: copy(count) for count in amounts}, rounds=3)
    session.sql("SELECT easq_stop_learning('bench', 'growing')")
    return "answers of one COPY", "us an answer", [("{:,}".format(n), times[n]) for n in amounts]


def categories(bench):
    """First score of a connection that loads its own copy, and one query when it is warm."""
    session = bench.session
    share(session, "0")
    first, warm = [], []
    for size in (10000, 100000, 1000000):
        create_wide(session, "wide", size)
        measured = [first_score("wide", i) for i in range(5)]
        session.sql("SELECT easq_drop_model('wide')")
        first.append(("{:,}".format(size), statistics.median(m[0] for m in measured) * 1000 / size))
        warm.append(("{:,}".format(size), statistics.median(m[2] for m in measured)))
    share(session, "4GB")
    return ("categories, first score of a connection", "us a category", first), ("categories, one query of a warm connection", "ms", warm)


def models(bench):
    """One connection that scores with all of them in turn, everything loaded."""
    session = bench.session
    amounts = (1, 10, 100)
    for number in range(100):
        session.sql("SELECT easq_create_model('model %d', features, options) FROM easq.models WHERE name = 'bench'" % number)
    scorer = Session()
    scorer.sql("SET easq.cache_size = '4GB'")

    def turn(count):
        def timed():
            return sum(scorer.spent("SELECT easq_score('model %d', c) FROM (SELECT %s FROM candidate LIMIT 1) c" % (number, COLUMNS))
                       for number in range(count)) / count * MICRO
        return timed

    times = medians({count: turn(count) for count in amounts})
    scorer.close()
    for number in range(100):
        session.sql("SELECT easq_drop_model('model %d')" % number)
    return "models, one query each in turn", "us a query", [(str(n), times[n]) for n in amounts]


def connections(bench):
    """On the cores that there are: what a request costs the machine while that many connections ask at once."""
    script = """\\set r random(1, 400)
SELECT video FROM (SELECT viewer, video, channel, length, age FROM shortlist WHERE request = :r) c
ORDER BY easq_score('bench', c) DESC LIMIT 10;
"""
    runs = {}
    for count, seconds in ((2, 4), (20, 5), (200, 25)):
        runs[count] = statistics.median(Pgbench(script, count, seconds, bench.folder).cost for _ in range(3 if count < 200 else 1))
    return "connections, top 10 of 500", "us a request", [(str(count), cost) for count, cost in runs.items()]
