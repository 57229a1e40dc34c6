"""Quality of easq beside its rivals; started by ./test/bench/quality/run."""
import argparse
import json
import os
import time

import dataset
import report
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


def main():
    args = arguments()
    parts = [p for p in PARTS if args.all or getattr(args, p)] or ["table"]
    seeds = range(1, 1 + int(os.environ.get("EASQ_SEEDS", 1)))
    out = report.Report()
    for name in args.sets or SETS:
        data = dataset.load(name, os.environ["EASQ_DATA"])
        if data is None:
            out.line(f"SKIPPED: there is no {name} in {os.environ['EASQ_DATA']}\n")
            continue
        for part in parts:
            began = time.time()
            if part == "table" and name != "published":
                out.line(f"## {name}\n")
                runs = [table.measure(table.Run(data, seed, args.options, args.train_options)) for seed in seeds]
                report.quality(out, name, runs)
            out.line(f"{name}, {part}: {time.time() - began:.0f} s\n")


if __name__ == "__main__":
    main()
