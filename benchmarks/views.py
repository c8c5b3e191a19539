"""What augmented views are worth: accuracy and seconds for K views in the bank, and for new views in every epoch.

python benchmarks/views.py --weights=WEIGHTS --image_dir=PHOTOS [--image_dir=MORE_PHOTOS]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from process import measure

_ONLINE = "new views in every epoch"


def settings(options: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Name and flags of each way. Online gives every epoch its own view, as ordinary augmentation does."""
    for count in options.views:
        yield f"{count} views", [f"--augmented_views={count}", "--feature_cache=on"]
    if not options.skip_online:
        yield _ONLINE, [f"--augmented_views={options.epochs - 1}", "--feature_cache=off"]


def run(image_dir: Path, flags: list[str], *, options: argparse.Namespace, seed: int, folder: Path) -> dict[str, Any]:
    """One training run with an empty cache, so that its seconds are those of a first run."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        result = measure(
            [
                "-m",
                "keras_transfer.train",
                f"--image_dir={image_dir}",
                f"--backbone={options.backbone}",
                f"--weights={options.weights}",
                "--choose=off",
                f"--head_epochs={options.epochs}",
                f"--seed={seed}",
                f"--run_dir={name}/run",
                f"--feature_cache_dir={name}/cache",
                *flags,
            ]
        )
        metrics = json.loads((Path(name) / "run" / "metrics.json").read_text("utf-8"))
    measured = metrics["test"] or metrics["validation"]
    return {"accuracy": measured["accuracy"], "log_loss": measured["log_loss"], "seconds": result.seconds}


def as_markdown(rows: list[dict[str, Any]]) -> str:
    """A table: one row for each data set and way."""
    lines = [
        "| photos | views | accuracy (mean, lowest to highest) | log loss | seconds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        accuracies = [each["accuracy"] for each in row["runs"]]
        lines.append(
            f"| {row['photos']} | {row['way']} | {statistics.mean(accuracies):.4f} "
            f"({min(accuracies):.4f} to {max(accuracies):.4f}) | "
            f"{statistics.mean(each['log_loss'] for each in row['runs']):.4f} | "
            f"{statistics.median(each['seconds'] for each in row['runs']):.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Runs every way with every seed; prints the table and writes it, with every measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image_dir", type=Path, action="append", required=True)
    parser.add_argument("--backbone", default="mobilenetv2")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--views", type=int, nargs="*", default=[0, 1, 2, 4, 8])
    parser.add_argument(
        "--skip_online", action="store_true", help="leave out new views in every epoch, which take longest"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("runs/views"))
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for image_dir in options.image_dir:
            for way, flags in settings(options):
                runs = [
                    run(image_dir, flags, options=options, seed=seed, folder=Path(folder))
                    for seed in range(options.seeds)
                ]
                rows.append({"photos": image_dir.name, "way": way, "runs": runs})
                print(as_markdown(rows[-1:]).splitlines()[-1], flush=True)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "views.md").write_text(as_markdown(rows), "utf-8")
    (options.output / "views.json").write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
    print(as_markdown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
