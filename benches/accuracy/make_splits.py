"""Writes splits.json, the test rows of ten seeds of the tables in data/, and prints scikit-learn's MLP on them.

usage: python benches/accuracy/make_splits.py [--scores]
needs: pip install scikit-learn pandas

The splits are those of sklearn.model_selection.train_test_split(test_size=0.2, random_state=seed), stratified by class for
classes, in the order of classes that scikit-learn's own data sets have. The MLPs are at their defaults (max_iter 500) on
standardised inputs; with the regressor the target is left as it is.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ROOT = Path(__file__).resolve().parents[2]
TABLES = {"iris": 1, "wine": 1, "breast_cancer": 1, "digits": 1, "diabetes": 0}

parser = argparse.ArgumentParser()
parser.add_argument("--scores", action="store_true", help="also measure scikit-learn's MLP on the splits")
scores = parser.parse_args().scores
warnings.filterwarnings("ignore")
splits = {}
for name, classes in TABLES.items():
    table = pd.read_csv(ROOT / "data" / f"{name}.csv")
    x, y = table.iloc[:, :-1].values, table.iloc[:, -1]
    # Codes by first appearance: the numbers that the classes have in scikit-learn.
    y = pd.factorize(y)[0] if classes else y.values.astype(float)
    splits[name], found = [], []
    for seed in range(10):
        rows = np.arange(len(y))
        train, test = train_test_split(rows, test_size=0.2, random_state=seed, stratify=y if classes else None)
        splits[name].append(sorted(int(row) for row in test))
        if scores:
            mlp = (MLPClassifier if classes else MLPRegressor)(max_iter=500, random_state=seed)
            found.append(make_pipeline(StandardScaler(), mlp).fit(x[train], y[train]).score(x[test], y[test]))
    if scores:
        print(f"{name:14} {np.mean(found):.3f}")
lines = [f'  "{name}": {json.dumps(rows, separators=(",", ":"))}' for name, rows in splits.items()]
(ROOT / "benches" / "accuracy" / "splits.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
