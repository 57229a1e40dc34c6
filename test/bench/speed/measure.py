"""Repeated, interleaved measurements, and the table they end in."""
import os
import signal
import statistics
import subprocess
import sys
import time

import psycopg2

ROUNDS = int(os.environ.get("EASQ_ROUNDS", "7"))


def connect():
    connection = psycopg2.connect("")
    connection.autocommit = True
    return connection


class Session:
    """One connection; sql() returns the rows, timed() the seconds that it took, spent() those of processor time."""

    def __init__(self):
        self.connection = connect()
        self.cursor = self.connection.cursor()

    def sql(self, statement, arguments=None):
        self.cursor.execute(statement, arguments)
        return self.cursor.fetchall() if self.cursor.description else None

    def value(self, statement, arguments=None):
        return self.sql(statement, arguments)[0][0]

    def timed(self, statement, arguments=None):
        start = time.perf_counter()
        self.cursor.execute(statement, arguments)
        return time.perf_counter() - start

    def cpu(self):
        """Seconds of processor time that the backend has used."""
        with open("/proc/%d/schedstat" % self.pid) as file:
            return int(file.read().split()[0]) / 1e9

    def spent(self, statement):
        """Of the backend and of this process: what others do on the machine meanwhile does not count."""
        before = self.cpu() + time.process_time()
        self.cursor.execute(statement)
        return self.cpu() + time.process_time() - before

    @property
    def pid(self):
        return self.connection.get_backend_pid()

    def close(self):
        self.connection.close()


def interleaved(measurements, rounds=None):
    """{name: function returning a number} -> {name: list of rounds numbers}; a first round warms up and is dropped."""
    rounds = rounds or ROUNDS
    results = {name: [] for name in measurements}
    for round_number in range(rounds + 1):
        for name, measure in measurements.items():
            number = measure()
            if round_number > 0:
                results[name].append(number)
    return results


def ratio(over, under):
    """Median of the ratios within a round: what slows the machine for a while slows both."""
    return statistics.median(a / b for a, b in zip(over, under))


class Shares:
    """Where a backend spends its processor time: shares of functions with all that they call, from samples of perf."""

    def __init__(self, session, folder):
        self.path = os.path.join(folder, "perf.data")
        self.process = None
        try:
            self.process = subprocess.Popen(["perf", "record", "-q", "-o", self.path, "-e", "cpu-clock", "-F", "4000", "-g",
                                             "-p", str(session.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.5)
        except OSError:
            pass

    def of(self, *functions):
        """{function: share}, or None where perf is not to be had."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        report = subprocess.run(["perf", "report", "-i", self.path, "--children", "--stdio", "-g", "none"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True).stdout
        shares = dict.fromkeys(functions, 0.0)
        for line in report.splitlines():
            words = line.split()
            if len(words) > 4 and words[-1] in shares and words[0].endswith("%"):
                shares[words[-1]] = max(shares[words[-1]], float(words[0][:-1]) / 100)
        return shares if any(shares.values()) else None


def percentile(numbers, share):
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Report:
    """Markdown to standard output at once, and to the file EASQ_RESULTS at the end."""

    def __init__(self):
        self.lines = []
        self.missed = []

    def say(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def table(self, header, rows):
        self.say("| " + " | ".join(header) + " |")
        self.say("|" + "---|" * len(header))
        for row in rows:
            self.say("| " + " | ".join(str(cell) for cell in row) + " |")
        self.say()

    def goals(self, rows):
        """rows of (what, measured, operator, goal): shown with the verdict."""
        shown = []
        for what, measured, operator, goal, unit in rows:
            if measured is None:
                shown.append((what, "not measured", "%s %g%s" % (operator, goal, unit), ""))
                continue
            reached = measured >= goal if operator == ">=" else measured <= goal
            if not reached:
                self.missed.append(what)
            shown.append((what, "%.3g%s" % (measured, unit), "%s %g%s" % (operator, goal, unit),
                          "reached" if reached else "**missed**"))
        self.table(("goal", "measured", "wanted", ""), shown)

    def write(self):
        path = os.environ.get("EASQ_RESULTS")
        if path:
            with open(path, "w") as file:
                file.write("\n".join(self.lines) + "\n")


def processor():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown processor"


class Arithmetic:
    """The program without PostgreSQL; returns microseconds."""

    def __init__(self, program, weights, x):
        self.command = [program, weights, x]

    def __call__(self, what, *sizes):
        return float(subprocess.run(self.command + [what] + [str(size) for size in sizes or (512,)], check=True, stdout=subprocess.PIPE).stdout)


class Pgbench:
    """A script run by several clients for a while.

    latencies: microseconds of each transaction but the first of a connection, which loads the model.
    cost: microseconds of the whole machine for one transaction, in the last third of the time."""

    def __init__(self, script, clients, seconds, folder):
        path, prefix = os.path.join(folder, "bench.pgbench"), os.path.join(folder, "pgbench_log")
        with open(path, "w") as file:
            file.write(script)
        self.remove(prefix)
        done = subprocess.run(["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds),
                               "-f", path, "-l", "--log-prefix=" + prefix],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        if done.returncode != 0:
            sys.exit("pgbench: " + done.stdout)
        self.read(prefix)
        self.remove(prefix)

    @staticmethod
    def logs(prefix):
        folder, name = os.path.split(prefix)
        return [os.path.join(folder, log) for log in os.listdir(folder) if log.startswith(name)]

    def remove(self, prefix):
        for log in self.logs(prefix):
            os.unlink(log)

    def read(self, prefix):
        seen, self.latencies, ends = set(), [], []
        for log in self.logs(prefix):
            with open(log) as file:
                for line in file:
                    client, _, latency, _, second, micro = line.split()[:6]
                    ends.append(int(second) + int(micro) / 1e6)
                    if client in seen:
                        self.latencies.append(int(latency))
                    seen.add(client)
        last = max(ends) - (max(ends) - min(ends)) / 3
        self.cost = (max(ends) - last) / sum(end > last for end in ends) * 1e6
