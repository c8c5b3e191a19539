"""How often 95% intervals of headline metrics cover the true value: test splits drawn from simulated classifiers.

python benchmarks/intervals.py
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_transfer.evaluation import bootstrap, intervals

_POPULATION = 50_000
_METRICS = ("balanced_accuracy", "macro_f1", "weighted_f1", "log_loss", "brier")


@dataclass(frozen=True)
class Simulation:
    """A classifier and the test splits that are drawn for it.

    Attributes:
      name: for people.
      shares: of the classes.
      margin: by which the true class's logit stands out of normal noise.
      examples: in a test split.
    """

    name: str
    shares: tuple[float, ...]
    margin: float
    examples: int


_SIMULATIONS = (
    Simulation("2 classes, 150 images", (0.5, 0.5), 2.7, 150),
    Simulation("5 classes, 150 images", (0.2,) * 5, 2.6, 150),
    Simulation("5 classes, the rarest 15 of 150 images", (0.4, 0.2, 0.2, 0.1, 0.1), 2.6, 150),
    Simulation("5 classes, the rarest 8 of 150 images", (0.6, 0.2, 0.1, 0.05, 0.05), 2.6, 150),
    Simulation("2 classes, the rare one 8 of 150 images", (0.95, 0.05), 2.7, 150),
    Simulation("5 classes, the rarest 50 of 1,000 images", (0.6, 0.2, 0.1, 0.05, 0.05), 2.6, 1000),
    Simulation("100 classes, 500 images", (0.01,) * 100, 3.6, 500),
)


def draw(simulation: Simulation) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Label ids and probabilities of the population."""
    random = np.random.default_rng(0)
    class_count = len(simulation.shares)
    label_ids = random.choice(class_count, _POPULATION, p=simulation.shares)
    noise = random.normal(size=(_POPULATION, class_count))
    logits = 1.5 * (noise + simulation.margin * np.eye(class_count)[label_ids])
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return label_ids, (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def cover(simulation: Simulation, splits: int) -> tuple[float, dict[str, tuple[float, float, float]]]:
    """The true accuracy, and for each metric how often both kinds of interval cover its true value.

    Returns:
      Accuracy; metric -> of the percentile intervals and of those that reports show, the fraction that cover it, among
      the splits that have one; and the fraction of splits for which reports show none.
    """
    rows = intervals.contributions(*draw(simulation))
    population = intervals.headline_metrics(np.asarray(rows.sum(axis=0)))
    random = np.random.default_rng(1)
    plain: dict[str, list[bool | None]] = {name: [] for name in _METRICS}
    shown: dict[str, list[bool | None]] = {name: [] for name in _METRICS}
    for _ in range(splits):
        drawn = rows[random.integers(0, _POPULATION, simulation.examples)]
        (resampled,) = intervals.resampled_metrics(drawn, [np.arange(simulation.examples)])
        of_report = intervals.of_metrics(drawn)
        for name in _METRICS:
            plain[name].append(_holds(bootstrap.percentile_interval(resampled[name]), float(population[name])))
            shown[name].append(_holds(of_report[name], float(population[name])))
    return float(population["accuracy"]), {
        name: (_fraction_held(plain[name]), _fraction_held(shown[name]), shown[name].count(None) / splits)
        for name in _METRICS
    }


def _holds(interval: bootstrap.Interval | None, value: float) -> bool | None:
    return interval[0] <= value <= interval[1] if interval else None


def _fraction_held(held: list[bool | None]) -> float:
    known = [each for each in held if each is not None]
    return sum(known) / len(known) if known else float("nan")


def main() -> int:
    """Prints a table: percentile interval → the one that reports show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=2000)
    options = parser.parse_args()
    print("| simulated | accuracy | " + " | ".join(name.replace("_", " ") for name in _METRICS) + " |")
    print("| --- " * (len(_METRICS) + 2) + "|")
    for simulation in _SIMULATIONS:
        accuracy, covered = cover(simulation, options.splits)
        cells = [
            f"{plain:.1%} → {shown:.1%}" + (f" ({none:.1%} have none)" if none >= 0.001 else "")
            for plain, shown, none in covered.values()
        ]
        print(f"| {simulation.name} | {accuracy:.1%} | " + " | ".join(cells) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
