"""Test scores of backprop without a config, mean of 10 seeds: stratified 80/20 splits of the tables in data/.

usage: python benches/accuracy/run.py [--data NAME]... [--seeds N] [--sklearn] [--backprop target/release/backprop]
needs: pip install scikit-learn

A split is train_test_split(test_size=0.2, random_state=seed), stratified by class. Each part becomes a CSV file; then
`backprop train --data train.csv --target COLUMN --set seed=SEED` and `backprop eval RUN test.csv --format json`.
The peers' figures were measured on the same splits at their defaults (MLP: max_iter 500, standardised inputs).
`--sklearn` measures scikit-learn's MLP again, here.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from statistics import mean, stdev

from sklearn.model_selection import train_test_split

ROOT = Path(__file__).resolve().parent.parent.parent

# name: target, metric, scikit-learn's MLP, LightGBM
TABLES = {
    "iris": ("species", "accuracy", 0.953, 0.947),
    "wine": ("cultivar", "accuracy", 0.983, 0.969),
    "breast_cancer": ("diagnosis", "accuracy", 0.979, 0.966),
    "digits": ("digit", "accuracy", 0.979, 0.973),
    "diabetes": ("progression", "r2", 0.171, 0.327),
}


def split(name, seed):
    """The header and the two parts of a table, as text."""
    with open(ROOT / "data" / f"{name}.csv", newline="") as file:
        header, *rows = csv.reader(file)
    target, metric, *_ = TABLES[name]
    labels = [row[header.index(target)] for row in rows] if metric == "accuracy" else None
    return header, *train_test_split(rows, test_size=0.2, random_state=seed, stratify=labels)


def call(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def find(report, metric):
    """The value of `metric`, wherever the report keeps it."""
    if metric in report and isinstance(report[metric], (int, float)):
        return report[metric]
    inside = (find(part, metric) for part in report.values() if isinstance(part, dict))
    return next((value for value in inside if value is not None), None)


def backprop(program, name, seed, parts):
    target, metric, *_ = TABLES[name]
    header, *parts = parts
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for file, rows in zip(["train.csv", "test.csv"], parts):
            with open(folder / file, "w", newline="") as out:
                csv.writer(out, lineterminator="\n").writerows([header, *rows])
        train = [program, "train", "--data", folder / "train.csv", "--target", target, "--set", f"seed={seed}"]
        call([*train, "--run-dir", folder / "run", "--quiet"])
        report = json.loads(call([program, "eval", folder / "run", folder / "test.csv", "--format", "json"]))
    return find(report, metric)


def sklearn_mlp(name, seed, parts):
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    target, metric, *_ = TABLES[name]
    header, *parts = parts
    at, regression = header.index(target), metric == "r2"
    xs = [[[float(v) for i, v in enumerate(row) if i != at] for row in rows] for rows in parts]
    ys = [[float(row[at]) if regression else row[at] for row in rows] for rows in parts]
    model = (MLPRegressor if regression else MLPClassifier)(max_iter=500, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of not having converged, which is its default too
        return make_pipeline(StandardScaler(), model).fit(xs[0], ys[0]).score(xs[1], ys[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", choices=TABLES, metavar="NAME")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sklearn", action="store_true")
    parser.add_argument("--backprop", default=ROOT / "target/release/backprop", type=Path)
    options = parser.parse_args()
    program = options.backprop.resolve()

    print(f"{'data':<14} {'metric':<9} {'backprop':>9} {'sd':>6} {'sklearn':>8} {'lightgbm':>9}", flush=True)
    for name in options.data or TABLES:
        _, metric, mlp, lightgbm = TABLES[name]
        splits = [split(name, seed) for seed in range(options.seeds)]
        scores = [backprop(program, name, seed, parts) for seed, parts in enumerate(splits)]
        if options.sklearn:
            mlp = mean(sklearn_mlp(name, seed, parts) for seed, parts in enumerate(splits))
        spread = stdev(scores) if len(scores) > 1 else 0.0
        print(f"{name:<14} {metric:<9} {mean(scores):>9.4f} {spread:>6.4f} {mlp:>8.3f} {lightgbm:>9.3f}", flush=True)


if __name__ == "__main__":
    main()
