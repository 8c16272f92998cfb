"""Training throughput of backprop beside PyTorch: the same networks, batch sizes and optimizers, in turn, on this machine.

usage: python benches/compare/run.py [--workload W]... [--rounds N] [--threads N] [--seconds S]
                                     [--python PYTHON_WITH_TORCH] [--backprop target/release/backprop]

Each round runs backprop, then PyTorch. backprop's figure is the median `samples_per_second` of the epochs of one run (its
data feeding included; the first epoch left out), PyTorch's that of one run of torch_mlp.py. Needs no package itself.
"""

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
BATCHES = 64
ADAM = '{ type = "adam", learning_rate = 1e-3 }'
SGD = '{ type = "sgd", learning_rate = 1e-2, momentum = 0.9 }'

# name: layer widths, batch size, optimizer; the same as in torch_mlp.py
WORKLOADS = {
    "small-mlp": ([100, 64, 32, 2], 32, ADAM),
    "tabular-mlp": ([54, 256, 256, 256, 7], 1024, ADAM),
    "mnist-mlp": ([784, 512, 256, 10], 128, SGD),
}

CONFIG = """\
seed = 0

[data]
train = "data.csv"
target = "label"
validation = 0.0
scale = "none"

[model]
layers = [
{layers}
]

[train]
batch_size = {batch}
optimizer = {optimizer}
schedule = {{ type = "constant" }}
"""


def write_files(folder, workload):
    """Random rows, 64 batches of them, and the config; returns the number of rows."""
    widths, batch, optimizer = WORKLOADS[workload]
    draw, rows = random.Random(0), BATCHES * batch
    with open(folder / "data.csv", "w") as file:
        file.write(",".join([f"x{i}" for i in range(widths[0])] + ["label"]) + "\n")
        for _ in range(rows):
            numbers = ",".join(f"{draw.gauss(0, 1):.4f}" for _ in range(widths[0]))
            file.write(f"{numbers},c{draw.randrange(widths[-1])}\n")
    layers = "\n".join(f'  {{ type = "linear", out_features = {w}, activation = "relu" }},' for w in widths[1:-1])
    (folder / "config.toml").write_text(CONFIG.format(layers=layers, batch=batch, optimizer=optimizer))
    return rows


def call(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def backprop(options, folder, epochs):
    """Samples per second: the median over the epochs of one run, the first left out."""
    with tempfile.TemporaryDirectory(dir=folder) as parent:
        run = Path(parent) / "run"
        command = [options.backprop, "train", folder / "config.toml", "--run-dir", run, "--quiet"]
        call([*command, "--threads", options.threads, "--set", f"train.epochs={epochs}"])
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    speeds = [line["samples_per_second"] for line in lines if line["split"] == "train"]
    return median(speeds[1:] or speeds)


def torch(options, workload):
    command = [options.python, HERE / "torch_mlp.py", workload]
    return float(call([*command, "--threads", options.threads, "--seconds", options.seconds]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", action="append", choices=WORKLOADS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3, help="of training in each run")
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch")
    parser.add_argument("--backprop", default=HERE.parent.parent / "target/release/backprop", type=Path)
    options = parser.parse_args()
    options.backprop = options.backprop.resolve()

    print(f"{'workload':<12} {'threads':>7} {'backprop/s':>12} {'torch/s':>12} {'ratio':>7}  ratios")
    for workload in options.workload or WORKLOADS:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            rows = write_files(folder, workload)
            speed = backprop(options, folder, 3)
            epochs = max(3, math.ceil(options.seconds * speed / rows))
            pairs = [(backprop(options, folder, epochs), torch(options, workload)) for _ in range(options.rounds)]
        ratios = [a / b for a, b in pairs]
        ours, theirs = median(a for a, _ in pairs), median(b for _, b in pairs)
        each = " ".join(f"{r:.2f}" for r in ratios)
        print(f"{workload:<12} {options.threads:>7} {ours:>12.0f} {theirs:>12.0f} {median(ratios):>7.2f}  {each}", flush=True)


if __name__ == "__main__":
    main()
