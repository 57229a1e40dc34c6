"""Three ways to learn: what an answer costs its INSERT, and what it costs to learn it later."""
import statistics
import time

from measure import Pgbench, Session, interleaved, percentile, ratio

CLIENTS = (1, 4, 16)
SECONDS = 3
ANSWERS = 10240
WAYS = ("now", "commit", "later")
INSERT = """\\set viewer random(1, 2000)
\\set video random(1, 20000)
INSERT INTO answers_%s VALUES (:viewer, :viewer, :video, :video %% 100, 5.0, 0.5, CASE WHEN :video %% 7 < 3 THEN 'satisfied' ELSE 'dissatisfied' END);
"""


def prepare(session):
    # Workers are started where they are measured.
    session.sql("ALTER SYSTEM SET easq.worker = off")
    session.sql("SELECT pg_reload_conf()")
    session.sql("""
        CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TABLE answers_empty (LIKE questionnaire);
        CREATE TRIGGER empty AFTER INSERT ON answers_empty FOR EACH STATEMENT EXECUTE FUNCTION nothing()""")
    for way in WAYS:
        session.sql("CREATE TABLE answers_%s (LIKE questionnaire)" % way)
        session.sql("SELECT easq_create_model('%s', features, options) FROM easq.models WHERE name = 'whole'" % way)
        session.sql("SELECT easq_train('%s', 'SELECT * FROM view WHERE viewer <= 300', label => 'clicked', group_by => 'viewer', "
                    "answer => 'answer', options => '{\"epochs\": 1}')" % way)
        session.sql("SELECT easq_learn('%s', 'answers_%s', options => '{\"when\": \"%s\"}')" % (way, way, way))


def later(bench):
    session = Session()
    prepare(session)
    goals = one_insert(bench) + [wal(session)] + drain(bench, session)
    clients(bench, session)
    bench.report.goals(goals)
    session.close()


def median_latency(bench, table):
    return statistics.median(Pgbench(INSERT % table, 1, 2, bench.folder).latencies)


def one_insert(bench):
    times = interleaved({table: lambda table=table: median_latency(bench, table) for table in ("empty", "later")}, 5)
    bench.report.say("One INSERT of one answer, one client: %.0f us beside an empty trigger, %.0f us with \"later\"." % (
        statistics.median(times["empty"]), statistics.median(times["later"])))
    return [("INSERT with later, of one with an empty statement trigger", ratio(times["later"], times["empty"]), "<=", 1.3, " x")]


def wal(session):
    before = session.value("SELECT pg_current_wal_insert_lsn()")
    for i in range(1000):
        session.sql("INSERT INTO answers_later VALUES (%s, %s, %s, %s, 5, 0.5, 'satisfied')", (i % 2000, i % 2000, i, i % 100))
    return ("WAL of an INSERT with later", float(session.value("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", (before,))) / 1000, "<=", 1000, " bytes")


def refill(session):
    session.sql("SELECT easq_drain('later')")
    session.sql("""INSERT INTO answers_later SELECT viewer, viewer, video, channel, length, age, CASE WHEN luck('good', channel, 0) > 0.5 THEN 'satisfied' ELSE 'dissatisfied' END
        FROM candidate ORDER BY random() LIMIT %s""", (ANSWERS,))


def wal_of(session, work):
    before = session.value("SELECT pg_current_wal_insert_lsn()")
    work()
    return float(session.value("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", (before,))) / ANSWERS


def drain(bench, session):
    rates, rates_of_worker = [], []
    for _ in range(3):
        refill(session)
        rates.append(ANSWERS / session.spent("SELECT easq_drain('later')"))
    for _ in range(3):
        refill(session)
        bytes_of_worker = wal_of(session, lambda: rates_of_worker.append(ANSWERS / by_worker(session)))
    bench.report.say("%d answers: easq_drain learns %.0f a second of processor time, the worker, 256 a transaction, %.0f; %.0f bytes of WAL an answer." % (
        ANSWERS, statistics.median(rates), statistics.median(rates_of_worker), bytes_of_worker))
    bench.report.say()
    return [("easq_drain, answers a second", statistics.median(rates), ">=", 5000, ""),
            ("the worker, answers a second", statistics.median(rates_of_worker), ">=", 5000, ""),
            ("WAL of an answer that the worker learns", bytes_of_worker, "<=", 5000, " bytes")]


def by_worker(session):
    """Seconds of processor time of a worker that starts, and learns all that there is."""
    pid = session.value("SELECT easq_start_worker()")
    wait_for_worker(session)
    with open("/proc/%d/schedstat" % pid) as file:
        spent = int(file.read().split()[0]) / 1e9
    session.sql("SELECT easq_stop_worker()")
    return spent


def wait_for_worker(session):
    while session.value("SELECT answers FROM easq.queues WHERE model = 'later'") > 0:
        time.sleep(0.05)


def clients(bench, session):
    session.sql("SELECT easq_start_worker()")
    rows = []
    for way in ("empty",) + WAYS:
        for count in CLIENTS:
            latencies = Pgbench(INSERT % way, count, SECONDS, bench.folder).latencies
            start = time.perf_counter()
            wait_for_worker(session)
            rows.append((way, count, "%.0f" % (len(latencies) / SECONDS), "%.2f" % (percentile(latencies, 0.5) / 1000), "%.2f" % (percentile(latencies, 0.99) / 1000),
                         "%.1f" % (time.perf_counter() - start) if way == "later" else ""))
    bench.report.table(("when", "clients", "answers a second", "p50, ms", "p99, ms", "s until all are learned"), rows)
    session.sql("SELECT easq_stop_worker()")
