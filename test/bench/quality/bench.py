"""Quality of easq beside its rivals; started by ./test/bench/quality/run."""
import argparse
import json
import os
import sys
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


def quality(out, data, seeds, args):
    runs = [table.measure(table.Run(data, seed, args.options, args.train_options)) for seed in seeds]
    report.quality(out, runs)
    return runs


def arrivals(out, data, seeds, args):
    report.arrivals(out, [stream.arrivals(table.Run(data, seed, args.options, args.train_options, False)) for seed in seeds])


def asking(out, data, seeds, args):
    curves, sizes = zip(*(stream.asking(table.Run(data, seed, args.options, args.train_options, False)) for seed in seeds))
    report.asking(out, curves, sizes, stream.needed)


def published_table(out, data, seeds, args):
    report.published(out, [published.measure(data, seed, args.options, args.train_options) for seed in seeds], published.LINE)


def probability(out, data, seeds, args):
    report.probability(out, [published.probability(data, seed, args.options, args.train_options) for seed in seeds])


OF_PUBLISHED = {"table": published_table, "probability": probability}
OF_OTHERS = {"table": quality, "arrivals": arrivals, "asking": asking}


def main():
    args = arguments()
    wanted = [p for p in PARTS if args.all or getattr(args, p)] or ["table"]
    seeds = range(1, 1 + int(os.environ.get("EASQ_SEEDS", 1)))
    out = report.Report()
    tables = {}
    for name in args.sets or SETS:
        data = dataset.load(name, os.environ["EASQ_DATA"])
        if data is None:
            out.line(f"SKIPPED: there is no {name} in {os.environ['EASQ_DATA']}\n")
            continue
        known = OF_PUBLISHED if name == "published" else OF_OTHERS
        for part in (p for p in wanted if p in known):
            began = time.time()
            out.line(f"## {name}: {part}\n")
            result = known[part](out, data, seeds, args)
            if known[part] is quality:
                tables[name] = result
            table.progress(f"{name}, {part}: {time.time() - began:.0f} s")
    if len(tables) > 1:
        report.summary(out, tables)
    out.line(f"{out.held} held, {out.missed} not held")
    sys.exit(out.missed > 0)


if __name__ == "__main__":
    main()
