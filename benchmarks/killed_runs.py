"""Kills whole training runs at random moments of every stage, and checks that the same command then ends the same.

python benchmarks/killed_runs.py --kills=100 --terminations=20 --interruptions=20

The runs train on drawn vehicles with a fine-tune phase, half of them with a chosen head and a sweep, half of them with
a head phase with dropout. Compared with an undisturbed run are metrics.json (but seconds, and the count of views that
the bank lacked), the weights in classifier.keras, and all predictions.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import importlib
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from keras_transfer.data import drawn_vehicles
from keras_transfer.settings import command_line
from keras_transfer.settings.config import TrainConfig

_SEED = 0
_SLOWEST_STOP_SECONDS = 5.0
_SHARED = ["--weights=random", "--image_size=32", "--augmented_views=2", "--batch_size=16"]
_RECIPES = {
    "chosen": ["--backbone=mobilenet", "--fine_tune=on", "--fine_tune_epochs=2"],
    "trained": [
        "--feature_layers=block3_pool",
        "--head_epochs=12",
        "--dropout=0.4",
        "--fine_tune_epochs=4",
        "--early_stopping_patience=3",
    ],
}
# Stages of a victim, as it tells them.
_STAGES = {
    "chosen": ("read", "bank", "choice", "baselines", "head", "fine_tune", "export", "evaluation", "report"),
    "trained": ("read", "bank", "baselines", "head", "fine_tune", "export", "evaluation", "report"),
}


def be_a_victim(flags: list[str]) -> int:
    """Runs the train command, and prints when each stage begins and what it predicts."""
    train = _module("train")
    carry_out = train._carry_out

    def carry_out_marked(*arguments: Any) -> None:
        _mark_stages()
        carry_out(*arguments)

    train._prepare = _marked(train._prepare, "read")
    train._carry_out = carry_out_marked
    exit_code: int = command_line.run(TrainConfig, train.train, ["train", *flags])
    return exit_code


def _mark_stages() -> None:
    names = ("choose", "fill", "fit", "publish", "publishing_gates", "report")
    choose, fill, fit, publish, publishing_gates, report = (_module(f"pipelines.{name}") for name in names)
    fitting, phases = _module("training.fitting"), _module("training.phases")
    # Small runs are over before a checkpoint within an epoch is due.
    fitting.SECONDS, fitting.COST = 0.1, 0.3
    fill.fill = _marked(fill.fill, "bank")
    choose.choose = _marked(choose.choose, "choice")
    fit._measure_baselines = _marked(fit._measure_baselines, "baselines")
    phases.describe = _marked(phases.describe, lambda classifier, phase: phase.name)
    publish.publishing = _marked(publish.publishing, "export")
    publishing_gates.ask = _marked(publishing_gates.ask, "evaluation")
    report.compose = _marked(report.compose, _tell_predictions)


def _module(name: str) -> Any:
    """Imported late: TensorFlow comes with it."""
    return importlib.import_module(f"keras_transfer.{name}")


def _tell_predictions(prepared: Any, finished: Any, run: Any) -> str:
    digest = hashlib.sha256()
    for each in (finished.fitted.validation_probabilities, finished.published.test_probabilities):
        digest.update(np.ascontiguousarray(each).tobytes())
    print(f"\nPREDICTIONS {digest.hexdigest()}", flush=True)
    return "report"


def _marked(step: Callable[..., Any], stage: str | Callable[..., str]) -> Callable[..., Any]:
    @functools.wraps(step)
    def marked(*arguments: Any, **named: Any) -> Any:
        name = stage if isinstance(stage, str) else stage(*arguments, **named)
        print(f"\nSTAGE {name}", flush=True)
        return step(*arguments, **named)

    return marked


@dataclass(frozen=True)
class Ended:
    """How a victim ended.

    Attributes:
      exit_code: negative for a signal that it did not answer.
      seconds: from the signal to the end, 0 where the end came before it; from its start where none was to be sent.
      begun: stage -> seconds from the start.
      printed: all that it printed.
    """

    exit_code: int
    seconds: float
    begun: dict[str, float]
    printed: str


def run_victim(flags: list[str], log: Path, blow: tuple[str, float, signal.Signals] | None = None) -> Ended:
    """Starts a victim and waits for its end, perhaps by a signal so many seconds after a stage began."""
    started = time.perf_counter()
    begun: dict[str, float] = {}
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, __file__, "--victim", *flags], stdout=output, stderr=output)
    while process.poll() is None:
        now = time.perf_counter()
        for stage in re.findall(r"STAGE (\S+)\n", log.read_text("utf-8")):
            begun.setdefault(stage, now - started)
        if blow and blow[0] in begun and now - started >= begun[blow[0]] + blow[1]:
            process.send_signal(blow[2])
            started, blow = now, None
            process.wait()
        time.sleep(0.01)
    seconds = 0.0 if blow else time.perf_counter() - started
    return Ended(process.returncode, seconds, begun, log.read_text("utf-8"))


def result_of(run: Path, printed: str) -> dict[str, Any]:
    """What two runs are compared by."""
    metrics = _without_seconds(json.loads((run / "metrics.json").read_text("utf-8")))
    metrics["feature_bank"].pop("views_computed")
    predictions = re.findall(r"PREDICTIONS (\S+)", printed)
    return {"metrics": metrics, "weights": _weights_digest(run / "classifier.keras"), "predictions": predictions[-1]}


def _without_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_seconds(item) for name, item in value.items() if name != "seconds"}
    if isinstance(value, list):
        return [_without_seconds(item) for item in value]
    return re.sub(r"\(\d+ s\)", "", value) if isinstance(value, str) else value


def _weights_digest(classifier: Path) -> str:
    digest = hashlib.sha256()

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            digest.update(name.encode() + np.ascontiguousarray(item[()]).tobytes())

    with zipfile.ZipFile(classifier) as archive, archive.open("model.weights.h5") as file, h5py.File(file) as weights:
        weights.visititems(add)
    return digest.hexdigest()


def run_all(blows: list[signal.Signals], folder: Path) -> int:
    """Kills and resumes once for each signal, and prints a line each.

    Returns:
      How many ended otherwise, or too late.
    """
    photos = Path(drawn_vehicles.load(folder, images_per_class=30).paths[0]).parent.parent
    moments, failed = random.Random(_SEED), 0
    counts: Counter[str] = Counter()
    undisturbed, expected = {}, {}
    for recipe in _RECIPES:
        ended = run_victim(_flags(recipe, photos, folder / recipe), folder / f"{recipe}.log")
        undisturbed[recipe], expected[recipe] = ended, result_of(folder / recipe / "run", ended.printed)
        print(f"{recipe}, undisturbed: {ended.seconds:.1f} s; stages began at {_rounded(ended.begun)}", flush=True)
    places = [(recipe, stage) for recipe in _RECIPES for stage in _STAGES[recipe]]
    moments.shuffle(places)
    for number, blow in enumerate(blows):
        recipe, stage = places[number % len(places)]
        begun = undisturbed[recipe].begun
        after = min([each for each in begun.values() if each > begun[stage]] or [undisturbed[recipe].seconds])
        moment = moments.uniform(0, after - begun[stage])
        is_same, told = _blow_and_resume(
            _flags(recipe, photos, folder / "hit"), folder, (stage, moment, blow), expected[recipe]
        )
        counts[f"{blow.name} {stage}"] += 1
        failed += not is_same
        print(f"{number + 1}: {blow.name}, {recipe}, {moment:.1f} s into {stage}: {told}", flush=True)
        shutil.rmtree(folder / "hit")
    print(json.dumps(counts))
    return failed


def _blow_and_resume(
    flags: list[str], folder: Path, blow: tuple[str, float, signal.Signals], expected: dict[str, Any]
) -> tuple[bool, str]:
    """Whether the next run ends as the undisturbed one did and the first one stopped in time; and that in words."""
    first = run_victim(flags, folder / "hit.log", blow)
    exit_code = -blow[2] if blow[2] == signal.SIGKILL else 128 + blow[2]
    # 0 where it was about to end, or had ended.
    in_order = first.exit_code in (0, exit_code) and first.seconds < _SLOWEST_STOP_SECONDS
    printed, run = first.printed, folder / "hit" / "run"
    if not (run / "metrics.json").exists():
        printed += run_victim(flags, folder / "hit.log").printed
    if not (run / "metrics.json").exists():
        return False, f"exit code {first.exit_code}; the next run failed:\n{printed[-5000:]}"
    found = result_of(run, printed)
    same = {name: found[name] == expected[name] for name in expected}
    told = f"exit code {first.exit_code} after {first.seconds:.1f} s; the same {same}"
    return in_order and all(same.values()), told if in_order else f"{told}\n{first.printed[-3000:]}"


def _flags(recipe: str, photos: Path, folder: Path) -> list[str]:
    places = [f"--image_dir={photos}", f"--run_dir={folder / 'run'}", f"--feature_cache_dir={folder / 'cache'}"]
    return [*_SHARED, *_RECIPES[recipe], *places, "--feature_cache=on"]


def _rounded(begun: dict[str, float]) -> str:
    return ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in begun.items())


def main() -> int:
    """Prints a line a kill and what it found; 0 where every next run ended as the undisturbed one."""
    if sys.argv[1:2] == ["--victim"]:  # this program is its own victim
        return be_a_victim(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, help="by SIGKILL")
    parser.add_argument("--terminations", type=int, default=20, help="by SIGTERM")
    parser.add_argument("--interruptions", type=int, default=20, help="by SIGINT, as Ctrl-C sends it")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background, and by all that it starts
    wanted = {
        signal.SIGKILL: options.kills,
        signal.SIGTERM: options.terminations,
        signal.SIGINT: options.interruptions,
    }
    # In turn, so that one that is ended early has seen all of them.
    blows = [blow for turn in range(max(wanted.values())) for blow, count in wanted.items() if turn < count]
    with tempfile.TemporaryDirectory() as name:
        failed = run_all(blows, Path(name))
    print(f"{len(blows) - failed} of {len(blows)} next runs ended as the undisturbed one did")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
