"""Training throughput of backprop beside PyTorch: the same networks, batch sizes and optimizers, in turn, on this machine.

usage: python benches/compare/run.py [--workload W]... [--rounds N] [--threads N] [--seconds S]
                                     [--python PYTHON_WITH_TORCH] [--backprop target/release/backprop]

Each round runs backprop, then PyTorch. backprop's figure is the median `samples_per_second` (of texts `tokens_per_second`) of the
epochs of one run (its data feeding included; the first epoch left out), PyTorch's that of one run of torch_net.py. MB is the peak memory of each
process, PyTorch's with its libraries. Needs no package itself.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
BATCHES = 64
TEXT_BATCHES = 8
ADAM = '{ type = "adam", learning_rate = 1e-3 }'
SGD = '{ type = "sgd", learning_rate = 1e-2, momentum = 0.9 }'

def mlp(*widths):
    """Hidden layers of these widths."""
    return [f'{{ type = "linear", out_features = {w}, activation = "relu" }}' for w in widths]


def block(channels):
    """A convolution and a pool that halves its image."""
    conv = f'{{ type = "conv2d", out_channels = {channels}, kernel_size = 3, activation = "relu" }}'
    return [conv, '{ type = "max_pool2d", kernel_size = 2 }']


PIXELS = """
[data.inputs.pixels]
columns = "x*"
shape = [1, 28, 28]
"""

# name: columns, classes, inputs, layers, batch size, optimizer; the same as in torch_net.py
WORKLOADS = {
    "small-mlp": (100, 2, "", mlp(64, 32), 32, ADAM),
    "tabular-mlp": (54, 7, "", mlp(256, 256, 256), 1024, ADAM),
    "mnist-mlp": (784, 10, "", mlp(512, 256), 128, SGD),
    "mnist-cnn": (784, 10, PIXELS, [*block(32), *block(64), '{ type = "flatten" }', *mlp(128)], 64, ADAM),
}

SMALL = '{ type = "normal", std = 0.02 }'


def gpt(blocks, width, heads):
    """An embedding of tokens and of positions, transformer blocks and a norm."""
    kind = f'{{ type = "transformer_block", num_heads = {heads}, causal = true, activation = "gelu_tanh" }}'
    repeat = f'{{ type = "repeat", times = {blocks}, layers = [{kind}] }}'
    embedding = f'{{ type = "embedding", embedding_dim = {width}, init = {SMALL} }}'
    return [embedding, '{ type = "positional_embedding" }', repeat, '{ type = "layer_norm" }']


LSTM = ['{ type = "embedding", embedding_dim = 256 }', '{ type = "lstm", hidden_size = 256 }']

# name: steps, layers, batch size; of 65 tokens each, with adam
TEXTS = {
    "char-lstm": (128, LSTM, 32),
    "char-gpt": (64, gpt(4, 128, 4), 12),
    "char-gpt-l": (256, gpt(6, 384, 6), 8),
}
LETTERS = "".join(map(chr, range(33, 98)))

TEXT_CONFIG = """\
seed = 0

[data]
text = "data.txt"
tokenizer = "char"
context = {context}
validation = 0.0

[model]
layers = [
{layers}
]

[train]
batch_size = {batch}
optimizer = {optimizer}
schedule = {{ type = "constant" }}
"""

CONFIG = """\
seed = 0

[data]
train = "data.csv"
target = "label"
validation = 0.0
scale = "none"
{inputs}
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
    """Random rows, 64 batches of them (8 of a text), and the config; returns the number of rows, or of tokens."""
    if workload in TEXTS:
        context, layers, batch = TEXTS[workload]
        tokens = TEXT_BATCHES * batch * context
        draw = random.Random(0)
        # One window more: an epoch takes whole ones from a place of its choice.
        (folder / "data.txt").write_text("".join(draw.choices(LETTERS, k=tokens + context + 1)))
        layers = "\n".join(f"  {layer}," for layer in layers)
        text = TEXT_CONFIG.format(context=context, layers=layers, batch=batch, optimizer=ADAM)
        (folder / "config.toml").write_text(text)
        return tokens
    columns, classes, inputs, layers, batch, optimizer = WORKLOADS[workload]
    draw, rows = random.Random(0), BATCHES * batch
    with open(folder / "data.csv", "w") as file:
        file.write(",".join([f"x{i}" for i in range(columns)] + ["label"]) + "\n")
        for _ in range(rows):
            numbers = ",".join(f"{draw.gauss(0, 1):.4f}" for _ in range(columns))
            file.write(f"{numbers},c{draw.randrange(classes)}\n")
    layers = "\n".join(f"  {layer}," for layer in layers)
    (folder / "config.toml").write_text(CONFIG.format(inputs=inputs, layers=layers, batch=batch, optimizer=optimizer))
    return rows


def call(command):
    """What it prints, and its peak memory in MB."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=err, text=True)
        _, status, usage = os.wait4(process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        process.returncode = code
        out.seek(0)
        err.seek(0)
        if code:
            sys.exit(f"{' '.join(map(str, command))}\nended with {code}:\n{err.read()}")
        return out.read(), usage.ru_maxrss / 1024


def backprop(options, folder, epochs):
    """Samples per second, the median over the epochs of one run, the first left out; and peak memory in MB."""
    with tempfile.TemporaryDirectory(dir=folder) as parent:
        run = Path(parent) / "run"
        command = [options.backprop, "train", folder / "config.toml", "--run-dir", run, "--quiet"]
        _, memory = call([*command, "--threads", options.threads, "--set", f"train.epochs={epochs}"])
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    speed = lambda line: line.get("samples_per_second") or line["tokens_per_second"]
    speeds = [speed(line) for line in lines if line["split"] == "train"]
    return median(speeds[1:] or speeds), memory


def torch(options, workload):
    """Samples per second, and peak memory in MB."""
    command = [options.python, HERE / "torch_net.py", workload]
    printed, memory = call([*command, "--threads", options.threads, "--seconds", options.seconds])
    return float(printed), memory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", action="append", choices=[*WORKLOADS, *TEXTS])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3, help="of training in each run")
    parser.add_argument("--python", default=sys.executable, help="a Python that has torch")
    parser.add_argument("--backprop", default=HERE.parent.parent / "target/release/backprop", type=Path)
    options = parser.parse_args()
    options.backprop = options.backprop.resolve()

    print(f"{'workload':<12} {'threads':>7} {'backprop/s':>12} {'torch/s':>12} {'ratio':>7} {'MB':>6} {'torch MB':>8}  ratios")
    for workload in options.workload or [*WORKLOADS, *TEXTS]:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            rows = write_files(folder, workload)
            speed, _ = backprop(options, folder, 3)
            epochs = max(3, math.ceil(options.seconds * speed / rows))
            pairs = [(backprop(options, folder, epochs), torch(options, workload)) for _ in range(options.rounds)]
        ratios = [a / b for (a, _), (b, _) in pairs]
        ours, theirs = median(a for (a, _), _ in pairs), median(b for _, (b, _) in pairs)
        memory, torch_memory = max(m for (_, m), _ in pairs), max(m for _, (_, m) in pairs)
        each = " ".join(f"{r:.2f}" for r in ratios)
        speeds = f"{workload:<12} {options.threads:>7} {ours:>12.0f} {theirs:>12.0f} {median(ratios):>7.2f}"
        print(f"{speeds} {memory:>6.0f} {torch_memory:>8.0f}  {each}", flush=True)


if __name__ == "__main__":
    main()
