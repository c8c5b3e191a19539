"""How often 95% intervals of headline figures hold the truth: test splits drawn from simulated classifiers.

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
_FIGURES = ("balanced_accuracy", "macro_f1", "weighted_f1", "log_loss", "brier")


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


def cover(simulation: Simulation, splits: int) -> tuple[float, dict[str, list[float]]]:
    """The true accuracy, and for each figure how often both kinds of interval hold its true value.

    Returns:
      Accuracy; figure -> of the percentile intervals and of those that reports show, the fraction that hold it; and
      the fraction of splits for which reports show none.
    """
    rows = intervals.contributions(*draw(simulation))
    truth = intervals.figures(np.asarray(rows.sum(axis=0)))
    random = np.random.default_rng(1)
    found: dict[str, list[tuple[bool, bool | None]]] = {name: [] for name in _FIGURES}
    for _ in range(splits):
        drawn = rows[random.integers(0, _POPULATION, simulation.examples)]
        (resampled,) = intervals.resampled_figures(drawn, [np.arange(simulation.examples)])
        shown = intervals.of_figures(drawn)
        for name in _FIGURES:
            plain = bootstrap.percentile_interval(resampled[name]) or [1.0, 0.0]
            own = shown[name]
            is_held = bool(own[0] <= truth[name] <= own[1]) if own else None
            found[name].append((bool(plain[0] <= truth[name] <= plain[1]), is_held))
    return float(truth["accuracy"]), {name: _summarize(pairs) for name, pairs in found.items()}


def _summarize(pairs: list[tuple[bool, bool | None]]) -> list[float]:
    shown = [is_held for _, is_held in pairs if is_held is not None]
    plain = sum(is_held for is_held, _ in pairs) / len(pairs)
    return [plain, sum(shown) / len(shown) if shown else float("nan"), 1 - len(shown) / len(pairs)]


def main() -> int:
    """Prints a table: percentile interval → the one that reports show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=2000)
    options = parser.parse_args()
    print("| simulated | accuracy | " + " | ".join(name.replace("_", " ") for name in _FIGURES) + " |")
    print("| --- " * (len(_FIGURES) + 2) + "|")
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
