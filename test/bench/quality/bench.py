"""Quality of easq beside its rivals; started by ./test/bench/quality/run."""
import argparse
import json
import os
import time

import dataset
import published
import report
import stream
import table

SETS = ("published", "coat", "kuairand", "anime", "book-crossing")
PARTS = ("table", "arrivals", "asking", "probability")


def arguments():
    parser = argparse.ArgumentParser(prog="./test/bench/quality/run")
    parser.add_argument("sets", nargs="*", metavar="SET")
    for part in (*PARTS, "all"):
        parser.add_argument("--" + part, action="store_true")
    parser.add_argument("--options", type=json.loads, default={})
    parser.add_argument("--train-options", type=json.loads, default={})
    return parser.parse_args()


def quality(out, run, seeds):
    runs = [table.measure(run(seed)) for seed in seeds]
    report.quality(out, runs)
    return runs


def arrivals(out, run, seeds):
    report.arrivals(out, [stream.arrivals(run(seed)) for seed in seeds])


def asking(out, run, seeds):
    curves, sizes = zip(*(stream.asking(run(seed)) for seed in seeds))
    report.asking(out, curves, sizes, stream.needed)


def main():
    args = arguments()
    parts = [p for p in PARTS if args.all or getattr(args, p)] or ["table"]
    seeds = range(1, 1 + int(os.environ.get("EASQ_SEEDS", 1)))
    out = report.Report()
    tables = {}
    for name in args.sets or SETS:
        data = dataset.load(name, os.environ["EASQ_DATA"])
        if data is None:
            out.line(f"SKIPPED: there is no {name} in {os.environ['EASQ_DATA']}\n")
            continue
        run = lambda seed: table.Run(data, seed, args.options, args.train_options, part == "table")
        for part in parts:
            began = time.time()
            if (name == "published") != (part == "probability") and not (name == "published" and part == "table"):
                continue
            out.line(f"## {name}: {part}\n")
            if part == "probability":
                report.probability(out, [published.probability(data, seed, args.options, args.train_options) for seed in seeds])
            elif name == "published":
                report.published(out, [published.measure(data, seed, args.options, args.train_options) for seed in seeds], published.LINE)
            elif part == "table":
                tables[name] = quality(out, run, seeds)
            else:
                {"arrivals": arrivals, "asking": asking}[part](out, run, seeds)
            table.progress(f"{name}, {part}: {time.time() - began:.0f} s")
    if len(tables) > 1:
        report.summary(out, tables)


if __name__ == "__main__":
    main()
