"""easq through SQL: trains, takes answers, scores."""
import json
import os
import struct

import numpy as np
import psycopg2

from measures import logit

MODEL = "quality"


def statement(database, *texts):
    connection = psycopg2.connect(dbname=database)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for text in texts:
            cursor.execute(text)
    connection.close()


def text_of(value):
    """A value as COPY reads it."""
    if value is None or value != value:
        return "\\N"
    if isinstance(value, list):
        return "{" + ",".join('"%s"' % v.replace("\\", "\\\\").replace('"', '\\"') if isinstance(v, str) else repr(v) for v in value) + "}"
    return str(value)


def write_rows(cursor, table, columns):
    read, write = os.pipe()
    escape = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n"})
    if os.fork() == 0:
        with os.fdopen(write, "w", encoding="utf-8") as file:
            for row in zip(*columns):
                file.write("\t".join(v if (v := text_of(x)) == "\\N" else v.translate(escape) for x in row) + "\n")
        os._exit(0)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as file:
        cursor.copy_expert(f"COPY {table} FROM STDIN", file)
    os.wait()


class Extension:
    """A database with a set's tables and one model."""

    def __init__(self, database, dataset):
        self.database, self.dataset = database, dataset
        side = lambda alias, of, name, key: [f"{alias}.{key} AS {name}"] * bool(name) + [f'{alias}."{c}"' for c in of]
        self.columns = ", ".join(side("u", dataset.person, dataset.who, "user_id") + side("i", dataset.thing, dataset.what, "item_id"))
        self.join = "JOIN person u USING (user_id) JOIN thing i USING (item_id)"
        self.connection = None

    def create(self):
        statement("postgres", f'DROP DATABASE IF EXISTS "{self.database}"', f'CREATE DATABASE "{self.database}"')
        self.open()
        self.do("SET client_min_messages = warning; CREATE EXTENSION easq")
        for name, key, count, columns in (("person", "user_id", self.dataset.users, self.dataset.person), ("thing", "item_id", self.dataset.items, self.dataset.thing)):
            self.do(f"CREATE TABLE {name} ({key} int PRIMARY KEY" + "".join(f', "{c}" {kind}' for c, (kind, _) in columns.items()) + ")")
            write_rows(self.cursor, name, [range(count)] + [values for _, values in columns.values()])
        self.do("CREATE TABLE questionnaire (user_id int, item_id int, answer text); CREATE TABLE behaviour (user_id int, item_id int, label float8, answer text);"
                "CREATE TABLE wanted (id int, user_id int, item_id int); ANALYZE")
        return self

    def open(self):
        self.connection = psycopg2.connect(dbname=self.database)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        return self

    def close(self):
        self.connection.close()

    def drop(self):
        self.close()
        statement("postgres", f'DROP DATABASE "{self.database}"')

    def copy(self, database):
        """Another database that begins where this one is; this one is closed."""
        if not self.connection.closed:
            self.close()
        statement("postgres", f'DROP DATABASE IF EXISTS "{database}"', f'CREATE DATABASE "{database}" TEMPLATE "{self.database}"')
        return Extension(database, self.dataset).open()

    def do(self, text, *arguments):
        self.cursor.execute(text, arguments or None)
        return self.cursor.fetchall() if self.cursor.description else None

    def model(self, options):
        self.do("SELECT easq_create_model(%s, %s, %s)", MODEL, json.dumps(self.dataset.features), json.dumps(options))

    def train(self, fit, options, answers=None):
        """answers: of some of the rows (of fit), to train with the whole loss."""
        said = [None] * len(fit)
        if answers is not None:
            place = {pair: n for n, pair in enumerate(zip(fit.user.tolist(), fit.item.tolist()))}
            for user, item, label in zip(answers.user.tolist(), answers.item.tolist(), answers.label.tolist()):
                said[place[user, item]] = "satisfied" if label else "dissatisfied"
        self.do("TRUNCATE behaviour")
        write_rows(self.cursor, "behaviour", [fit.user.tolist(), fit.item.tolist(), fit.label.tolist(), said])
        self.do("SELECT 1 FROM easq_train(%s, %s, 'label', 'user_id', %s, %s)", MODEL,
                f"SELECT p.user_id, p.label, p.answer, {self.columns} FROM behaviour p {self.join}", None if answers is None else "answer", json.dumps(options))

    def attach(self, options=None):
        self.do("SELECT easq_learn(%s, 'questionnaire', features => %s, options => %s)", MODEL,
                f"SELECT p.answer, p.user_id, {self.columns} FROM new_rows p {self.join}", json.dumps(options or {}))

    def configure(self, **options):
        self.do("SELECT easq_configure(%s, %s)", MODEL, json.dumps(options))

    def answer(self, answers, at_once=1):
        """An INSERT of so many rows, a transaction each; 0: one COPY of all."""
        rows = [(u, i, "satisfied" if y else "dissatisfied") for u, i, y in zip(answers.user.tolist(), answers.item.tolist(), answers.label.tolist())]
        if at_once == 0:
            write_rows(self.cursor, "questionnaire", list(zip(*rows)))
        else:
            for n in range(0, len(rows), at_once):
                some = rows[n:n + at_once]
                self.do("INSERT INTO questionnaire VALUES " + ", ".join(["(%s, %s, %s)"] * len(some)), *[v for row in some for v in row])

    def want(self, rows):
        self.do("TRUNCATE wanted")
        write_rows(self.cursor, "wanted", [range(len(rows)), rows.user.tolist(), rows.item.tolist()])
        self.do("ANALYZE wanted")

    def scores(self, *functions):
        """Of the rows that are wanted; scores that are softplus of a logit as that logit."""
        names = ", ".join(f"x.{c.split(' AS ')[-1].split('.')[-1]}" for c in self.columns.split(", "))
        calls = ", ".join(f"{f}('{MODEL}', c)" for f in functions)
        result = np.array(self.do(f"SELECT {calls} FROM (SELECT p.id, {self.columns} FROM wanted p {self.join}) x, LATERAL (SELECT {names}) c ORDER BY x.id"), float).T
        return [unsquash(s) if f in ("easq_score", "easq_satisfaction") else s for f, s in zip(functions, result)]

    def tensors(self):
        """easq_export as arrays by name, and its metadata: a length, a JSON header, little-endian numbers."""
        data = bytes(self.do("SELECT easq_export(%s)", MODEL)[0][0])
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + size])
        metadata = header.pop("__metadata__", {})
        part = lambda t: np.frombuffer(data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]], "<f4").reshape(t["shape"])
        return {name: part(t) for name, t in header.items()}, metadata

    def state(self):
        return self.do("SELECT behaviour_cost, knob FROM easq.models WHERE name = %s", MODEL)[0]

    def steps(self):
        return self.do("SELECT status, count(*)::int FROM easq.steps GROUP BY 1 ORDER BY 1")


def unsquash(score):
    return np.where(score > 30, score, np.log(np.expm1(np.clip(score, 1e-37, 30))))


def category(value, feature):
    """The row of an embedding table that a value has: FNV-1a-64 of its text, or itself."""
    if value is None:
        return 0
    if feature.get("encoding") == "index":
        return int(value)
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    h = 0xcbf29ce484222325
    for byte in text.encode():
        h = (h ^ byte) * 0x100000001b3 & (1 << 64) - 1
    return 1 + h % (feature["size"] - 1)


def moved(dataset, before, after):
    """Which people's embedding training has changed."""
    feature = next(f for f in dataset.features if f["name"] == dataset.who)
    row = np.array([category(user, feature) for user in range(dataset.users)])
    name = f"embedding.{dataset.who}.weight"
    return (before[name] != after[name]).any(1)[row]


def inputs(dataset, tensors, metadata, rows):
    """The encoded input of rows, features in order."""
    parts = []
    standard = iter(zip(json.loads(metadata["mean"]), json.loads(metadata["deviation"])))
    for feature in dataset.features:
        name = feature["name"]
        of_person = name == dataset.who or name in dataset.person
        ids = rows.user if of_person else rows.item
        values = range(dataset.users if of_person else dataset.items) if name in (dataset.who, dataset.what) else (dataset.person if of_person else dataset.thing)[name][1]
        if feature["kind"] == "vector":
            encoded = np.array(values, np.float32)
        elif feature["kind"] == "numeric":
            mean, deviation = next(standard)
            encoded = np.array([[0.0 if v is None else (v - mean) / (deviation or 1)] for v in values], np.float32)
        else:
            weight = tensors[f"embedding.{name}.weight"]
            members = lambda v: [category(x, feature) for x in v] or [0] if isinstance(v, list) else [category(v, feature)]
            encoded = np.stack([weight[members(v)].mean(0) for v in values])
        parts.append(encoded[ids])
    return np.concatenate(parts, 1)
