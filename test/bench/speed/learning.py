"""Learning: an answer in its INSERT, many in one COPY, and training."""
import io
import json
import statistics
import time

from measure import Session, Shares, interleaved, ratio

MICRO = 1e6
REPLAYED, PARTNERS = 3, 8      # the options replayed_answers and pairs_per_answer as they come
COLUMNS = "user_id, viewer, video, channel, length, age, answer"


def prepare(bench):
    bench.session.sql("""
        CREATE TABLE IF NOT EXISTS unattached (LIKE questionnaire);
        CREATE TABLE asked AS SELECT row_number() OVER () AS id, viewer AS user_id, viewer, video, channel, length, age,
            CASE WHEN luck('good', channel, 0) > 0.5 THEN 'satisfied' ELSE 'dissatisfied' END AS answer
        FROM candidate WHERE luck('again', viewer, video) < 0.2 LIMIT 30000;
        -- what a step writes, in a table of the user's own
        CREATE TABLE bytes (name text PRIMARY KEY, data bytea NOT NULL);
        ALTER TABLE bytes ALTER COLUMN data SET STORAGE EXTERNAL;
        INSERT INTO bytes SELECT kind || name || chunk, data FROM (
            SELECT part || ' ' AS kind, name, chunk, data FROM easq.tensor WHERE model = 'bench' AND state = 'current') b
        WHERE name !~ '^(backbone|embedding)';
        SELECT easq_learn('bench', 'questionnaire');
        SELECT easq_learn('whole', 'another_questionnaire');""")


def learn(bench):
    prepare(bench)
    session, report = bench.session, bench.report
    size = session.value("SELECT sum(octet_length(data)) FROM bytes")
    next_answer = iter(range(1, 30000))

    def insert(table, count):
        """Median latency and processor time of single INSERTs."""
        times, before = [], session.cpu()
        for _ in range(count):
            times.append(session.timed("INSERT INTO %s SELECT %s FROM asked WHERE id = %d" % (table, COLUMNS, next(next_answer))))
        return statistics.median(times) * MICRO, (session.cpu() - before) / count * MICRO

    session.sql("CREATE UNIQUE INDEX ON asked (id)")
    update = "UPDATE bytes SET data = data || ''"
    insert("questionnaire", 100)
    insert("another_questionnaire", 100)

    def processor(statement):
        before = session.cpu()
        for _ in range(10):
            session.sql(statement)
        return (session.cpu() - before) / 10 * MICRO

    latency = {"questionnaire": [], "another_questionnaire": []}

    def answer(table):
        wall, cpu = insert(table, 40)
        latency[table].append(wall)
        return cpu

    shares = Shares(session, bench.folder)
    for _ in range(4):
        insert("questionnaire", 50)
    shares = shares.of("easq_answered", "EasqWriteAdapter")
    # full-page images apart: they depend on checkpoints, not on what is written
    session.sql("ALTER SYSTEM SET full_page_writes = off")
    session.sql("SELECT pg_reload_conf()")
    time.sleep(0.5)
    times = interleaved({"answer": lambda: answer("questionnaire"), "whole": lambda: answer("another_questionnaire"),
                         "plain": lambda: insert("unattached", 40)[1], "update": lambda: processor(update)})
    wal = {name: wal_of(session, statement) for name, statement in
           (("answer", lambda: insert("questionnaire", 20)), ("whole", lambda: insert("another_questionnaire", 20)), ("plain", lambda: insert("unattached", 20)),
            ("update", lambda: [session.sql(update) for _ in range(20)]))}
    session.sql("ALTER SYSTEM RESET full_page_writes")
    session.sql("SELECT pg_reload_conf()")
    step = session.sql("SELECT pairs, behaviour_pairs FROM easq.steps WHERE model = 'bench' AND status = 'applied' ORDER BY id DESC LIMIT 1")[0]
    middle = {name: statistics.median(t) for name, t in times.items()}
    answer_pairs, behaviour_pairs = step[0] + REPLAYED * PARTNERS, step[1]
    checked = rows_of_check(session)
    arithmetic = None
    if bench.arithmetic:
        of_step = statistics.median(bench.arithmetic("step", 2 * (answer_pairs + behaviour_pairs), answer_pairs) for _ in range(5))
        of_check = statistics.median(bench.arithmetic("batch", 256) for _ in range(5)) * checked
        arithmetic = of_step + of_check
    rows = [("latency of one INSERT that learns, with factors and beliefs", "%.0f" % statistics.median(latency["another_questionnaire"])),
            ("its processor time", "%.0f" % middle["whole"]),
            ("latency of one INSERT that learns", "%.0f" % statistics.median(latency["questionnaire"])),
            ("its processor time", "%.0f" % middle["answer"]),
            ("processor time of the same INSERT without learning", "%.0f" % middle["plain"]),
            ("a plain UPDATE of the same %d kB" % (size / 1000), "%.0f" % middle["update"])]
    if arithmetic:
        rows.append(("forward and backward of its %d + %d pairs of answers and %d of behaviour, Adam"
                     % (step[0], REPLAYED * PARTNERS, behaviour_pairs), "%.0f" % of_step))
        rows.append(("forward of the %d rows that the budget's check scores a step" % checked, "%.0f" % of_check))
    without = None
    if shares:
        without = (shares["easq_answered"] - shares["EasqWriteAdapter"]) * middle["answer"]
        rows.append(("the trigger without the write (share by perf)", "%.0f" % without))
        rows.append(("the write, with what it adds to the commit", "%.0f" % (middle["answer"] - middle["plain"] - without)))
    report.table(("one answer", "us"), rows)
    goals = [("an answer without its write, of the arithmetic", without and arithmetic and without / arithmetic, "<=", 3, " x"),
             ("the write, of a plain UPDATE", without and (middle["answer"] - middle["plain"] - without) / middle["update"], "<=", 1.5, " x"),
             ("WAL of an answer, of the bytes", (wal["answer"] - wal["plain"]) / size, "<=", 1.2, " x")]
    if shares is None:
        report.say("perf is missing or may not sample here: the write is not told apart.")
        report.say()
    report.say("WAL: %.0f bytes an answer, of them %.0f without learning; %.0f bytes with factors and beliefs; %.0f bytes for the UPDATE." % (
        wal["answer"], wal["plain"], wal["whole"], wal["update"]))
    report.say()
    goals.append(copy_of_many(bench, session, middle["answer"]))
    report.goals(goals)


def rows_of_check(session):
    """Rows that the behaviour budget scores for one step: see src/learn/guard.c.

    512 drawn pairs before and after the step and 256 rows by each pathway; every 16 steps the whole gate sample, and
    every 64 the audit sample."""
    held = dict(session.sql("SELECT sample, count(*) FROM easq.held WHERE model = 'bench' GROUP BY sample"))
    if not held:
        return 0
    return 2 * 2 * 512 + 2 * 256 + 2 * held[0] // 16 + 2 * held[1] // 64


def wal_of(session, twenty):
    before = session.value("SELECT pg_current_wal_insert_lsn()")
    twenty()
    return float(session.value("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", (before,))) / 20


def copy_of_many(bench, session, one):
    many = io.StringIO()
    session.cursor.copy_expert("COPY (SELECT %s FROM asked WHERE id > 10000 LIMIT 10000) TO STDOUT" % COLUMNS, many)
    before = session.value("SELECT coalesce(max(id), 0) FROM easq.steps")
    times = []
    for _ in range(3):
        many.seek(0)
        start = session.cpu()
        session.cursor.copy_expert("COPY questionnaire (%s) FROM STDIN" % COLUMNS, many)
        times.append((session.cpu() - start) / 10000 * MICRO)
    steps = session.sql("SELECT count(*) / 3, sum(answers) / 3, sum(pairs) / 3 FROM easq.steps WHERE id > %s AND model = 'bench' AND status = 'applied'", (before,))[0]
    bench.report.say("10,000 answers in one COPY: %.1f us an answer; %d rows of easq.steps with %d answers and %d pairs." % (
        (statistics.median(times),) + tuple(int(n) for n in steps)))
    bench.report.say()
    return ("10,000 answers in one COPY, faster an answer than one by one", one / statistics.median(times), ">=", 20, " x")


def train(bench):
    session = Session()
    pairs = []

    def easq(options):
        session.sql("SELECT easq_drop_model('trained') FROM easq.models WHERE name = 'trained'")
        session.sql("SELECT easq_create_model('trained', features, options || '{\"alignment\": \"dpo\"}') FROM easq.models WHERE name = 'bench'")
        before = session.cpu()
        epochs = options["epochs"]
        seen = session.value("""SELECT pairs FROM easq_train('trained', 'SELECT * FROM view', label => 'clicked', group_by => 'viewer',
            options => %s)""", (json.dumps(options),))
        pairs.append(seen)
        return 2 * seen * epochs / (session.cpu() - before)

    measurements = {"easq_train, all of the call, one epoch": lambda: easq({"epochs": 1, "batch_pairs": 512}),
                    "easq_train, all of the call, eight epochs": lambda: easq({"epochs": 8, "early_stopping": False, "batch_pairs": 512})}
    if bench.torch:
        trainer = TorchTrainer(bench)
        measurements["PyTorch, rows in memory, the steps alone"] = trainer.rate
    rates = interleaved(measurements)
    bench.report.say("200,000 rows, %d pairs, 512 pairs (1,024 rows) a step, Adam; behaviour loss alone; a second of processor time." % pairs[-1])
    bench.report.say()
    bench.report.table(("what", "rows of pairs a second", "from", "to"),
                       [(name,) + tuple("%.0f" % r for r in (statistics.median(rate), min(rate), max(rate))) for name, rate in rates.items()])
    *calls, steps = rates if bench.torch else list(rates) + [None]
    bench.report.goals([(name + ": faster than PyTorch", steps and ratio(rates[name], rates[steps]), ">=", 3, " x") for name in calls])


class TorchTrainer:
    """The same model, batch and optimiser: embeddings by SparseAdam, since a step reads few of their rows."""

    def __init__(self, bench):
        torch = self.torch = bench.torch.torch
        self.model = bench.torch
        self.t = {name: value.clone().requires_grad_(True) for name, value in bench.torch.t.items()}
        tables = [self.t["embedding.%s.weight" % name] for name in ("viewer", "video", "channel")]
        self.tables = tables
        self.dense = torch.optim.Adam([value for name, value in self.t.items() if not name.startswith("embedding")], lr=1e-3)
        self.sparse = torch.optim.SparseAdam(tables, lr=1e-3)
        rows = bench.session.sql("SELECT viewer, video, channel, length, age FROM candidate LIMIT 65536")
        np = bench.numpy.np
        table = np.array(rows, np.float64)
        self.ids = torch.from_numpy(table[:, :3].astype(np.int64))
        self.numbers = torch.from_numpy(((table[:, 3:] - bench.numpy.mean) / bench.numpy.deviation).astype(np.float32))

    def step(self, start):
        torch, F = self.torch, self.torch.nn.functional
        ids, numbers = self.ids[start:start + 1024], self.numbers[start:start + 1024]
        x = torch.cat([F.embedding(ids[:, i], self.tables[i], sparse=True) for i in range(3)] + [numbers], 1)
        score = F.softplus(self.model.logits(self.t, x, ("main",))[0])
        loss = -F.logsigmoid(score[:512] - score[512:]).mean()
        self.dense.zero_grad(set_to_none=True)
        self.sparse.zero_grad(set_to_none=True)
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_([p for g in self.dense.param_groups for p in g["params"] if p.grad is not None], 1.0)
        self.dense.step()
        self.sparse.step()

    def rate(self):
        start = time.process_time()
        for step in range(32):
            self.step(1024 * step)
        return 32 * 1024 / (time.process_time() - start)
