"""Loads a model file of backprop into a plain torch.nn.Sequential, unchanged.

usage: python load_state_dict.py MODEL.safetensors LAYER... [--inputs FILE --outputs FILE] [--tolerance T]
needs: pip install torch safetensors

LAYER, in order: NAME:IN:OUT for a linear layer, NAME:WIDTH for a layer_norm or batch_norm (told apart by its name), or
the name of an activation. FILE is CSV with a header: what enters the network (already scaled), and the numbers that
backprop computed from it. Ends with 1 if the names, the shapes or the outputs differ.

example: python load_state_dict.py runs/iris-1/model.safetensors linear_0:4:16 relu output:16:3
"""

import argparse
import csv
import sys
from collections import OrderedDict

import torch
from safetensors.torch import load_file
from torch import nn

ACTIVATIONS = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU(approximate="tanh"),
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softplus": nn.Softplus,
    "softmax": lambda: nn.Softmax(dim=-1),
    "hardswish": nn.Hardswish,
}


def network(layers):
    modules = OrderedDict()
    for position, layer in enumerate(layers):
        name, *sizes = layer.split(":")
        sizes = [int(s) for s in sizes]
        if not sizes:
            modules[f"{name}_after_{position}"] = ACTIVATIONS[name]()
        elif len(sizes) == 2:
            modules[name] = nn.Linear(*sizes)
        else:
            modules[name] = nn.BatchNorm1d(*sizes) if "batch" in name else nn.LayerNorm(*sizes)
    return nn.Sequential(modules)


def table(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))[1:]
    return torch.tensor([[float(field) for field in row] for row in rows])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("layers", nargs="+", metavar="LAYER")
    parser.add_argument("--inputs")
    parser.add_argument("--outputs")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="of the largest output")
    options = parser.parse_args()

    net = network(options.layers)
    try:
        net.load_state_dict(load_file(options.model), strict=True)
    except RuntimeError as error:
        sys.exit(str(error))
    net.eval()
    print(f"loaded {sum(1 for _ in net.parameters())} tensors, {sum(p.numel() for p in net.parameters())} parameters")

    if options.inputs and options.outputs:
        with torch.no_grad():
            here, there = net(table(options.inputs)), table(options.outputs)
        if here.shape != there.shape:
            sys.exit(f"outputs: expected {tuple(here.shape)}, got {tuple(there.shape)}")
        apart = (here - there).abs().max().item()
        print(f"{len(here)} rows, largest difference {apart:.3g}")
        if not apart <= options.tolerance * max(1.0, there.abs().max().item()):
            sys.exit("the outputs differ")


if __name__ == "__main__":
    main()
