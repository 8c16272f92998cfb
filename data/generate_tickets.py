"""Writes tickets.csv of this folder: made-up letters to a shop, and the desk that answers them.

usage: python data/generate_tickets.py [FOLDER]        (default: the folder of this script)

A letter names a thing of the shop and says what is the matter with it; words of the other desks come along now and then, so
that no single word decides.
"""

import csv
import random
import sys
from pathlib import Path

THINGS = "lamp,kettle,chair,jacket,radio,teapot,desk,carpet,mirror,clock,bicycle,blanket".split(",")
OPENINGS = ["Hello,", "Good morning,", "Dear all,", "Hi there,", "To whom it may concern:", "Please help:", ""]
CLOSINGS = ["Thank you!", "Kind regards", "I am waiting for your answer.", "Please call me back.", "Thanks in advance.", ""]
ASIDES = [
    "I paid for it by card.",
    "The parcel came last week.",
    "I am logged in as usual.",
    "I have been a customer for {n} years.",
    "My order is number {n}{n}{m}.",
]
MATTERS = {
    "billing": [
        "I was charged {n} times for the {thing}.",
        "The invoice for my {thing} shows the wrong amount, {m} euros too much.",
        "When do I get my money back for the {thing}?",
        "You took {m} euros from my account, and I never bought a {thing}.",
        "The discount on the {thing} is not on the bill.",
    ],
    "delivery": [
        "The {thing} has not arrived after {n} weeks.",
        "Where is my {thing}? The driver says that nobody was at home.",
        "Can the {thing} be left with my neighbour instead?",
        "Tracking says that the {thing} has been in the same town for {m} days.",
        "I asked for the {thing} to be sent to another address.",
    ],
    "account": [
        "I cannot sign in to see my order of the {thing}.",
        "How do I change the address of my profile? The {thing} is for my office.",
        "The link to set a new password does not work, and I want to order a {thing}.",
        "Please close my account; I have not bought so much as a {thing} in {n} years.",
        "Someone else has ordered a {thing} under my name.",
    ],
    "repair": [
        "The {thing} came broken, with {n} parts missing.",
        "After {m} days the {thing} makes a strange noise.",
        "A leg of the {thing} is loose. Is there a spare part?",
        "The {thing} does not switch on any more; is it still under warranty?",
        "The colour of the {thing} comes off in the rain.",
    ],
}


def letter(desk, random):
    fill = lambda text: text.format(thing=random.choice(THINGS), n=random.randint(2, 9), m=random.randint(10, 60))
    middle = [fill(random.choice(MATTERS[desk]))]
    if random.random() < 0.6:
        middle.insert(random.randint(0, 1), fill(random.choice(ASIDES)))
    return " ".join(part for part in [random.choice(OPENINGS), *middle, random.choice(CLOSINGS)] if part)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    source = random.Random(7)
    path = folder / "tickets.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["channel", "letter", "desk"])
        for _ in range(400):
            desk = source.choice(list(MATTERS))
            writer.writerow([source.choice(["mail", "chat", "form"]), letter(desk, source), desk])
    print(f"{path}: 400 rows, 3 columns")


main()
