"""How accurate the chosen head is, beside the fixed recipe, logistic regression on the last layer, and plain Keras.

python benchmarks/accuracy.py --image_dir=PHOTOS [--image_dir=MORE] --base=vgg16=WEIGHTS [--base=mobilenetv2=WEIGHTS]

Measured on the test split where the photos have one, else on validation. Logistic regression has its strength chosen by
5-fold cross-validation of the log loss, on the average of the last layer, clean views, as people do it by hand. Plain
Keras (--keras_epochs above 0; for photos with train/ and val/) is in peers/plain_keras_accuracy.py; it takes hours.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import keras_transfer as kt
from keras_transfer.data.examples import Examples
from keras_transfer.evaluation import paired
from keras_transfer.run_directory import RunDirectory
from process import measure

_STRENGTHS = (1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
_CHOSEN, _FIXED, _REGRESSION = "chosen head (default)", "fixed recipe (--choose=off)", "logistic regression"


def rows(image_dir: Path, base: str, seed: int, folder: Path, keras_epochs: int) -> Iterator[dict[str, Any]]:
    """One row for each way on one set of photos: error, log loss, seconds, and which images are right."""
    backbone, weights = base.split("=", 1)
    settings = {"backbone": backbone, "weights": weights, "feature_cache_dir": str(folder / "cache")}
    for way, flags in ((_CHOSEN, []), (_FIXED, ["--choose=off"])):
        run_dir = folder / way.split()[0]
        given = [f"--{name}={value}" for name, value in settings.items()]
        places = [f"--image_dir={image_dir}", f"--run_dir={run_dir}", f"--seed={seed}"]
        result = measure(["-m", "keras_transfer.train", *places, *given, *flags])
        run = kt.Run(run_dir)
        split = "test" if run.metrics["test"] else "validation"
        examples = RunDirectory(run_dir).read_examples()
        measured = examples.in_split(split)
        labels = [examples.class_names[label_id] for label_id in measured.label_ids]
        answers = run.predict(measured.paths)
        is_right = [answer.label == label for answer, label in zip(answers, labels, strict=True)]
        losses = [-np.log(answer.scores[label]) for answer, label in zip(answers, labels, strict=True)]
        yield _row(way, is_right, losses, result.seconds)
    yield _regression(examples, split, settings)
    if keras_epochs:
        yield from _plain_keras(image_dir, settings, measured, seed, keras_epochs)


def _plain_keras(
    image_dir: Path, settings: dict[str, str], measured: Examples, seed: int, epochs: int
) -> Iterator[dict[str, Any]]:
    script = str(Path(__file__).parent / "peers" / "plain_keras_accuracy.py")
    places = [f"--image_dir={image_dir}", f"--backbone={settings['backbone']}", f"--weights={settings['weights']}"]
    result = measure([script, *places, f"--epochs={epochs}", f"--seed={seed}"])
    paths = [str(Path(path).resolve().relative_to(image_dir.resolve())) for path in measured.paths]
    for way, (seconds, answers) in result.answer.items():
        scores, is_right = zip(*(answers[path] for path in paths), strict=True)
        yield _row(f"plain Keras, {way}", is_right, -np.log(np.maximum(scores, 1e-7)), seconds)


def _regression(examples: Examples, split: str, settings: dict[str, str]) -> dict[str, Any]:
    started = time.perf_counter()
    with kt.FeatureBank.open(**settings) as bank:
        parts = {
            name: [bank.features(own.paths), own.label_ids]
            for name, own in {each: examples.in_split(each) for each in ("train", split)}.items()
        }
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000)),
        {"logisticregression__C": _STRENGTHS},
        scoring="neg_log_loss",
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    ).fit(*parts["train"])
    features, labels = parts[split]
    probabilities = search.predict_proba(features)
    own = probabilities[np.arange(len(labels)), np.searchsorted(search.classes_, labels)]
    return _row(_REGRESSION, search.predict(features) == labels, -np.log(own), time.perf_counter() - started)


def _row(way: str, is_right: Any, losses: Any, seconds: float) -> dict[str, Any]:
    right = np.asarray(is_right, bool)
    return {
        "way": way,
        "error": float(1 - right.mean()),
        "log_loss": float(np.mean(losses)),
        "seconds": seconds,
        "is_right": right.tolist(),
    }


def as_markdown(found: list[dict[str, Any]]) -> str:
    """A table: means over the seeds, and the paired test of the first seed against logistic regression."""
    lines = [
        "| photos | base | way | error | log loss | seconds | against logistic regression |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in found:
        groups[row["photos"], row["base"], row["way"]].append(row)
    for (photos, base, way), own in groups.items():
        error, loss = (statistics.mean(row[name] for row in own) for name in ("error", "log_loss"))
        seconds = statistics.median(row["seconds"] for row in own)
        compared = _paired(own[0], groups[photos, base, _REGRESSION][0])
        lines.append(f"| {photos} | {base} | {way} | {error:.2%} | {loss:.4f} | {seconds:.0f} | {compared} |")
    for base in dict.fromkeys(row["base"] for row in found):
        for way in dict.fromkeys(row["way"] for row in found if row["way"] != _REGRESSION):
            ratios = [
                _mean(found, base, way, name) / _mean(found, base, _REGRESSION, name) for name in ("error", "log_loss")
            ]
            lines.append(f"| all, mean | {base} | {way} | {ratios[0]:.2f} times | {ratios[1]:.2f} times | | |")
    return "\n".join(lines) + "\n"


def _mean(found: list[dict[str, Any]], base: str, way: str, name: str) -> float:
    """Over sets of photos and seeds."""
    return float(np.mean([row[name] for row in found if (row["base"], row["way"]) == (base, way)]))


def _paired(own: dict[str, Any], other: dict[str, Any]) -> str:
    """McNemar's exact test of the images that only one of the two gets right."""
    if own is other:
        return ""
    found = paired.compare(new_is_right=np.array(own["is_right"]), earlier_is_right=np.array(other["is_right"]))
    return f"{found.only_new_right} gained, {found.only_earlier_right} lost, p = {found.p_value:.2f}"


def main() -> int:
    """Measures every way on every set with every base and seed; prints the table and writes it with all rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image_dir", type=Path, action="append", required=True)
    parser.add_argument("--base", action="append", required=True, help="backbone=weights file")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keras_epochs", type=int, default=0, help="of plain Keras with a frozen base; 25 is usual")
    parser.add_argument("--output", type=Path, default=Path("runs/accuracy"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    found = []
    for image_dir in options.image_dir:
        for base in options.base:
            for seed in range(options.seeds):
                with tempfile.TemporaryDirectory(dir=options.output) as name:
                    for row in rows(image_dir, base, seed, Path(name), options.keras_epochs):
                        found.append({"photos": image_dir.name, "base": base.split("=")[0], "seed": seed, **row})
                        print(
                            f"{image_dir.name} {base.split('=')[0]} seed {seed}: {row['way']} {row['error']:.4f}",
                            flush=True,
                        )
    table = as_markdown(found)
    (options.output / "accuracy.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    (options.output / "accuracy.md").write_text(table, "utf-8")
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
