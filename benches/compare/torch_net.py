"""Training throughput of PyTorch on fixed networks: random data in memory, f32, forward, backward and optimizer.

usage: python torch_net.py WORKLOAD [--threads N] [--seconds S]        prints samples per second
needs: pip install torch
"""

import argparse
import time

import torch
import torch.nn.functional as F
from torch import nn

def mlp(*widths):
    layers = []
    for before, after in zip(widths, widths[1:]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return layers[:-1]


def block(before, after):
    return [nn.Conv2d(before, after, 3), nn.ReLU(), nn.MaxPool2d(2)]


def adam(parameters):
    return torch.optim.Adam(parameters, 1e-3)


def sgd(parameters):
    return torch.optim.SGD(parameters, 1e-2, momentum=0.9)


# name: shape of a row, classes, layers, batch size, optimizer
WORKLOADS = {
    "small-mlp": ((100,), 2, lambda: mlp(100, 64, 32, 2), 32, adam),
    "tabular-mlp": ((54,), 7, lambda: mlp(54, 256, 256, 256, 7), 1024, adam),
    "mnist-mlp": ((784,), 10, lambda: mlp(784, 512, 256, 10), 128, sgd),
    "mnist-cnn": (
        (1, 28, 28), 10, lambda: [*block(1, 32), *block(32, 64), nn.Flatten(), *mlp(1600, 128, 10)], 64, adam
    ),
}
BATCHES = 64
WARMUP_STEPS = 5


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)

    shape, classes, make_layers, batch, make_optimizer = WORKLOADS[options.workload]
    net = nn.Sequential(*make_layers())
    optimizer = make_optimizer(net.parameters())
    x = torch.randn(BATCHES * batch, *shape)
    y = torch.randint(0, classes, (BATCHES * batch,))

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
