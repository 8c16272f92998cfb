"""Training throughput of PyTorch on fixed networks: random data in memory, f32, forward, backward and optimizer.

usage: python torch_net.py WORKLOAD [--threads N] [--seconds S]        prints samples per second, or tokens
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


class LSTM(nn.Module):
    """Logits of the next token after each step, [B * T, 65]."""

    def __init__(self, width=256):
        super().__init__()
        self.embedding = nn.Embedding(TOKENS, width)
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.output = nn.Linear(width, TOKENS)

    def forward(self, x):
        return self.output(self.lstm(self.embedding(x))[0]).flatten(0, 1)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, steps, width = x.shape
        parts = self.qkv(self.norm1(x)).view(batch, steps, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).reshape(batch, steps, width))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class GPT(nn.Module):
    """Logits of the next token after each step, [B * T, 65]."""

    def __init__(self, steps, blocks, width, heads):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(TOKENS, width), nn.Embedding(steps, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm, self.output = nn.LayerNorm(width), nn.Linear(width, TOKENS)

    def forward(self, x):
        return self.output(self.norm(self.blocks(self.tokens(x) + self.positions.weight))).flatten(0, 1)


TOKENS = 65

# name: steps, network, batch size; with adam
TEXTS = {
    "char-lstm": (128, LSTM, 32),
    "char-gpt": (64, lambda: GPT(64, 4, 128, 4), 12),
    "char-gpt-l": (256, lambda: GPT(256, 6, 384, 6), 8),
}

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
TEXT_BATCHES = 8
WARMUP_STEPS = 5


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=[*WORKLOADS, *TEXTS])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)

    if options.workload in TEXTS:
        length, make_net, batch = TEXTS[options.workload]
        net, make_optimizer, batches = make_net(), adam, TEXT_BATCHES
        x, y = (torch.randint(0, TOKENS, (batches * batch, length)) for _ in range(2))
    else:
        shape, classes, make_layers, batch, make_optimizer = WORKLOADS[options.workload]
        net, batches, length = nn.Sequential(*make_layers()), BATCHES, 1
        x = torch.randn(batches * batch, *shape)
        y = torch.randint(0, classes, (batches * batch,))
    optimizer = make_optimizer(net.parameters())

    def step(i):
        rows = slice(i % batches * batch, (i % batches + 1) * batch)
        loss = F.cross_entropy(net(x[rows]), y[rows].flatten())
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
    print(f"{steps * batch * length / (time.perf_counter() - start):.0f}")


if __name__ == "__main__":
    main()
