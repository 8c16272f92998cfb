"""Writes orders.csv of this folder: made-up messages to a shop, and for each word what it names.

usage: python data/generate_orders.py [FOLDER]        (default: the folder of this script)

Some words name a person in one message and a city or a product in another, and some messages have no capitals, so that a
word alone does not tell what it names.
"""

import csv
import random
import sys
from pathlib import Path

BOTH = ["Florence", "Paris", "Jordan", "Sydney", "Austin", "Victoria"]
PEOPLE = BOTH + ["Anna", "Rosemary", "Olive", "Basil", "Mark", "Amir", "Chen", "Ines", "Piotr"]
CITIES = BOTH + ["Lima", "Oslo", "Basel", "Nairobi", "Osaka", "Porto"]
PRODUCTS = ["rosemary", "olive", "basil", "tea", "rice", "coffee", "honey", "paper", "lamps"]
UNITS = ["boxes", "bags", "kilos", "crates"]
DAYS = ["Monday", "Tuesday", "Friday", "tomorrow"]

TEMPLATES = [
    "please send {n} {u} of {p} to {a} in {c}",
    "{a} from {c} wants {n} {u} of {p} by {d}",
    "{n} {u} of {p} for {a} please",
    "can {a} pick up the {p} in {c} on {d}",
    "the {p} that {a} ordered never came to {c}",
    "{c} needs {n} more {u} of {p} {d}",
    "cancel the {n} {u} of {p} and tell {a}",
    "is {a} still in {c} or back {d}",
]
LABELS = {"n": "NUMBER", "u": "UNIT", "p": "PRODUCT", "a": "PERSON", "c": "CITY", "d": "DAY"}


def word(kind, draw):
    if kind == "n":
        return str(draw.randint(1, 40))
    choices = {"u": UNITS, "p": PRODUCTS, "a": PEOPLE, "c": CITIES, "d": DAYS}[kind]
    return draw.choice(choices)


def message(draw):
    words, labels = [], []
    for piece in draw.choice(TEMPLATES).split():
        named = piece.startswith("{")
        words.append(word(piece[1], draw) if named else piece)
        labels.append(LABELS[piece[1]] if named else "O")
    if draw.random() < 0.3:
        words = [w.lower() for w in words]
    return " ".join(words), " ".join(labels)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    draw = random.Random(1)
    path = folder / "orders.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["message", "labels"])
        for _ in range(600):
            writer.writerow(message(draw))
    print(f"{path}: 600 rows, 2 columns")


main()
