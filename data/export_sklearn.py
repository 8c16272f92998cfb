"""Writes the tables of this folder that come from scikit-learn, from the copies that it ships.

usage: python data/export_sklearn.py [FOLDER]        (default: the folder of this script)
needs: pip install scikit-learn
"""

import csv
import sys
from pathlib import Path

import numpy as np
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


def holes(image):
    """Background regions that ink encloses: 1 in a 0, 2 in an 8."""
    free = np.pad(image < 6, 1, constant_values=True)
    regions = 0
    while free.any():
        regions += 1
        todo = [tuple(np.argwhere(free)[0])]
        while todo:
            y, x = todo.pop()
            if 0 <= y < free.shape[0] and 0 <= x < free.shape[1] and free[y, x]:
                free[y, x] = False
                todo += [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
    return regions - 1


def measured(image):
    """A 4x4 thumbnail of an 8x8 digit, and what a ruler says of the digit itself."""
    thumbnail = image.reshape(4, 2, 4, 2).mean(axis=(1, 3)).ravel()
    ink = image.sum()
    rows, columns = image.sum(axis=1), image.sum(axis=0)
    y, x = (rows @ np.arange(8)) / ink, (columns @ np.arange(8)) / ink
    dy, dx = np.mgrid[0:8, 0:8] - np.array([y, x])[:, None, None]
    slant = (image * dy * dx).sum() / (image * dy * dy).sum()
    size = [np.ptp(np.flatnonzero(extent > 2)) + 1 for extent in (rows, columns)]
    return [*thumbnail, ink, *size, round(x, 3), round(y, 3), round(slant, 3), holes(image)]


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

    ruler = ["ink", "height", "width", "centre_x", "centre_y", "slant", "holes"]
    rows = [measured(image) for image in digits.images]
    names = [f"t{i}" for i in range(16)] + ruler
    write(folder, "digits_measured", names, rows, "digit", [int(t) for t in digits.target])

    diabetes = datasets.load_diabetes(scaled=False)
    answers = [number(t) for t in diabetes.target]
    write(folder, "diabetes", diabetes.feature_names, diabetes.data, "progression", answers)


if __name__ == "__main__":
    main()
