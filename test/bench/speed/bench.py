"""Speed of easq beside its peers; started by ./test/bench/speed/run."""
import argparse
import importlib
import os
import subprocess
import sys
import time

import growth
import later
import learning
import scoring
from measure import ROUNDS, Arithmetic, Report, Session, processor

PARTS = {
    "score": scoring.score,
    "feed": scoring.feed,
    "parallel": scoring.parallel,
    "learn": learning.learn,
    "later": later.later,
    "train": learning.train,
    "memory": growth.memory,
    "growth": growth.growth,
}


class Bench:
    """What the parts share."""

    def __init__(self, work, program):
        self.folder = work
        self.here = os.path.dirname(os.path.abspath(__file__))
        self.report = Report()
        self.missing = []
        self.session = Session()
        self.make_world()
        self.numpy = self.numpy_model()
        self.torch = self.torch_model()
        self.plpython = self.load_plpython()
        self.arithmetic = self.arithmetic_program(program)

    def make_world(self):
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", os.path.join(self.here, "world.sql")], check=True)
        self.weights = os.path.join(self.folder, "bench.safetensors")
        with open(self.weights, "wb") as file:
            file.write(self.session.value("SELECT easq_export('bench')"))
        os.chmod(self.weights, 0o644)

    def has(self, module, package):
        try:
            return importlib.import_module(module)
        except ImportError:
            self.missing.append(package)
            return None

    def numpy_model(self):
        if not self.has("numpy", "python3-numpy"):
            return None
        import model
        return model.NumpyModel(self.weights)

    def torch_model(self):
        if not self.has("torch", "python3-torch") or not self.numpy:
            return None
        import model
        return model.TorchModel(self.numpy)

    def load_plpython(self):
        package = "postgresql-plpython3-%d" % (self.session.connection.server_version // 10000)
        if not self.session.sql("SELECT name FROM pg_available_extensions WHERE name = 'plpython3u'"):
            self.missing.append(package)
            return False
        if not self.numpy:
            return False
        with open(os.path.join(self.here, "plpython.sql")) as file:
            self.session.sql(file.read().replace("@folder@", self.here).replace("@weights@", self.weights))
        return True

    def arithmetic_program(self, program):
        """Gives it the model's flat block and the first 8,192 encoded rows."""
        if not self.numpy:
            return None
        np, t = self.numpy.np, self.numpy.tensors
        names = ["backbone.weight", "backbone.bias", "lora_A.weight", "lora_B.weight"]
        names += ["%s.%s" % (pathway, name) for pathway in ("main", "satisfaction")
                  for name in ("gate.weight", "gate.bias", "experts.weight", "experts.bias", "out.weight", "out.bias")]
        weights, x = os.path.join(self.folder, "weights.f32"), os.path.join(self.folder, "x.f32")
        np.concatenate([t[name].ravel() for name in names]).astype("<f4").tofile(weights)
        self.encoded(8192).tofile(x)
        return Arithmetic(program, weights, x)

    def encoded(self, rows):
        columns = zip(*self.session.sql("SELECT viewer, video, channel, length, age FROM candidate LIMIT %d" % rows))
        return self.numpy.encode(*[self.numpy.np.array(column) for column in columns])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", required=True)
    parser.add_argument("--arithmetic", required=True)
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS))
    arguments = parser.parse_args()
    for part in arguments.parts:
        if part not in PARTS:
            sys.exit("easq: no part %s; there are %s" % (part, " ".join(PARTS)))
    started = time.time()
    bench = Bench(arguments.work, arguments.arithmetic)
    report = bench.report
    report.say("# Speed")
    report.say()
    report.say("`make bench`, or `./test/bench/speed/run%s`" % "".join(" " + part for part in arguments.parts))
    report.say()
    report.say("Processor: %s, %d cores. %s. Medians of %d interleaved rounds; a ratio is the median of the ratios within a round." %
               (processor(), os.cpu_count(), bench.session.value("SELECT 'PostgreSQL ' || current_setting('server_version')"), ROUNDS))
    if bench.missing:
        report.say()
        report.say("**Missing, and therefore not measured: %s.**" % ", ".join(bench.missing))
    for name, part in PARTS.items():
        if not arguments.parts or name in arguments.parts:
            report.say()
            report.say("## " + name)
            report.say()
            part(bench)
    report.say("%d s in all, load average %.1f at the end. Slower than its goal: %s." % (time.time() - started, os.getloadavg()[0], "; ".join(report.missed) or "nothing"))
    report.write()


if __name__ == "__main__":
    main()
