"""Writes the five tables of this folder from the copies that scikit-learn ships.

usage: python data/export_sklearn.py [FOLDER]        (default: the folder of this script)
needs: pip install scikit-learn
"""

import csv
import sys
from pathlib import Path

from sklearn import datasets


def column_name(name):
    """'sepal length (cm)' -> 'sepal_length', 'od280/od315_of_diluted_wines' -> 'od280_od315_of_diluted_wines'."""
    return name.split(" (")[0].replace(" ", "_").replace("/", "_")


def number(value):
    """The shortest text that reads back as the same number; whole numbers without a point."""
    value = float(value)
    return str(int(value)) if value.is_integer() else repr(value)


def write(folder, name, features, rows, target, answers):
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*features, target])
        for row, answer in zip(rows, answers, strict=True):
            writer.writerow([*map(number, row), answer])
    print(f"{path}: {len(rows)} rows, {len(features)} features, target {target}")


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent

    classes = [
        ("iris", datasets.load_iris(), "species"),
        ("wine", datasets.load_wine(), "cultivar"),
        ("breast_cancer", datasets.load_breast_cancer(), "diagnosis"),
    ]
    for name, table, target in classes:
        features = [column_name(f) for f in table.feature_names]
        labels = [str(table.target_names[t]) for t in table.target]
        write(folder, name, features, table.data, target, labels)

    digits = datasets.load_digits()
    pixels = [f"p{i}" for i in range(64)]
    write(folder, "digits", pixels, digits.data, "digit", [int(t) for t in digits.target])

    diabetes = datasets.load_diabetes(scaled=False)
    answers = [number(t) for t in diabetes.target]
    write(folder, "diabetes", diabetes.feature_names, diabetes.data, "progression", answers)


if __name__ == "__main__":
    main()
