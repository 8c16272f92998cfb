"""Training throughput of PyTorch on three fixed networks: random data in memory, f32, forward, backward and optimizer.

usage: python torch_mlp.py WORKLOAD [--threads N] [--seconds S]        prints samples per second
needs: pip install torch
"""

import argparse
import time

import torch
import torch.nn.functional as F
from torch import nn

# name: layer widths, batch size, optimizer
WORKLOADS = {
    "small-mlp": ([100, 64, 32, 2], 32, lambda p: torch.optim.Adam(p, 1e-3)),
    "tabular-mlp": ([54, 256, 256, 256, 7], 1024, lambda p: torch.optim.Adam(p, 1e-3)),
    "mnist-mlp": ([784, 512, 256, 10], 128, lambda p: torch.optim.SGD(p, 1e-2, momentum=0.9)),
}
BATCHES = 64
WARMUP_STEPS = 5


def mlp(widths):
    layers = []
    for before, after in zip(widths, widths[1:]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)

    widths, batch, make_optimizer = WORKLOADS[options.workload]
    net = mlp(widths)
    optimizer = make_optimizer(net.parameters())
    x = torch.randn(BATCHES * batch, widths[0])
    y = torch.randint(0, widths[-1], (BATCHES * batch,))

    def step(i):
        rows = slice(i % BATCHES * batch, (i % BATCHES + 1) * batch)
        loss = F.cross_entropy(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    for i in range(WARMUP_STEPS):
        step(i)
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < options.seconds:
        step(steps)
        steps += 1
    print(f"{steps * batch / (time.perf_counter() - start):.0f}")


if __name__ == "__main__":
    main()
