"""Trains the network of an image config with PyTorch, to compare peak memory and speed with `backprop train`.

usage: python benches/compare/torch_images.py CONFIG FOLDER [--steps N] [--threads N]
       FOLDER holds train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz; the config's layers and batch size count, the
       rest is plain: images as float32 in memory, Adam.
needs: pip install torch numpy
prints: samples/s after ten steps, and the peak memory of the process in MB
"""

import argparse
import gzip
import resource
import sys
import time
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures"
sys.path.insert(0, str(FIXTURES))
import torch_net  # noqa: E402

for cases in sorted((FIXTURES / "layer_cases").glob("*.py")):
    torch_net.MODULES.update(getattr(import_module(f"layer_cases.{cases.stem}"), "MODULES", {}))
torch_net.MODULES.setdefault("dropout", lambda o, s, n: torch.nn.Dropout(o.get("p", 0.5)))


def idx(path):
    data = gzip.decompress(path.read_bytes())
    axes = data[3]
    shape = np.frombuffer(data, ">u4", count=axes, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)

    config = tomllib.loads(options.config.read_text())
    images = torch.from_numpy(idx(options.folder / "train-images-idx3-ubyte.gz").astype(np.float32))[:, None]
    images = (images - images.mean()) / images.std()
    labels = torch.from_numpy(idx(options.folder / "train-labels-idx1-ubyte.gz").astype(np.int64))
    net = torch_net.Net(config["model"]["layers"], {"x": tuple(images.shape[1:])}, {}, 10).train()
    adam = torch.optim.Adam(net.parameters(), 1e-3)
    batch = config["train"]["batch_size"]
    order = torch.randperm(len(images))
    started = time.perf_counter()
    for step in range(options.steps):
        if step == 10:
            started = time.perf_counter()
        rows = order[(torch.arange(batch) + step * batch) % len(images)]
        loss = F.cross_entropy(net({"x": images[rows]}), labels[rows])
        adam.zero_grad()
        loss.backward()
        adam.step()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{(options.steps - 10) * batch / seconds:.0f} samples/s, peak memory {peak:.0f} MB, loss {loss.item():.3f}")


if __name__ == "__main__":
    main()
