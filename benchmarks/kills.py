"""Kills builds of the feature bank at random moments, and checks that the next build ends with the very same bank.

python benchmarks/kills.py --kills=50
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from keras_transfer import terminal
from keras_transfer.data import drawn_vehicles, sources
from keras_transfer.settings.config import TrainConfig, from_flat
from process import measure

_SEED = 0


def build(photos: Path, cache: Path) -> None:
    """Fills both phases' banks as a training run does, and prints when that began and ended."""
    started = time.perf_counter()
    settings = {
        "image_dir": str(photos),
        "backbone": "mobilenet",
        "weights": "random",
        "image_size": 96,
        "augmented_views": 4,
        "fine_tune_epochs": 1,
        "feature_cache": "on",
        "feature_cache_dir": str(cache),
    }
    config = from_flat(TrainConfig, settings)
    terminal.import_tensorflow_quietly()
    from keras_transfer.feature_bank import filling
    from keras_transfer.pipelines import prepare

    with prepare.prepare(config, sources.load(config.source), started=started) as prepared:
        began = time.perf_counter()
        filling.fill(prepared.classifier, prepared.plan.banks, prepared.plan.missing, config=config)
    print(json.dumps({"filling": began - started, "ended": time.perf_counter() - started}))


def contents(folder: Path) -> dict[tuple[str, str], str]:
    """Digest of every record of the banks, by column and image: which shard it lies in depends on time."""
    found = {}
    for index in (path for path in folder.rglob("[!.]*.json") if path.name != "column.json"):
        digests, records = json.loads(index.read_text("utf-8"))["images"], index.with_suffix(".records").read_bytes()
        size = len(records) // len(digests)
        for row, digest in enumerate(digests):
            record = records[row * size : (row + 1) * size]
            found[index.parent.name, digest] = hashlib.sha256(record).hexdigest()
    return found


def kill(command: list[str], after_seconds: float) -> None:
    """Starts a program and kills it with SIGKILL."""
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after_seconds)
    process.kill()
    process.wait()


def run_all(kills: int, folder: Path) -> int:
    """Builds undisturbed, then kills and builds again; prints a line each.

    Returns:
      How many of the second builds ended with another bank.
    """
    photos = Path(drawn_vehicles.load(folder, images_per_class=60).paths[0]).parent.parent
    command = [__file__, f"--photos={photos}"]
    moments = random.Random(_SEED)
    # The start of a process before it, which is no part of its own clock, makes the moments spread a little wider.
    undisturbed = measure([*command, f"--build={folder / 'undisturbed'}"])
    expected = contents(folder / "undisturbed")
    late = undisturbed.seconds - undisturbed.answer["ended"]
    first, last = undisturbed.answer["filling"] + late / 2, undisturbed.seconds
    differing = 0
    for number in range(kills):
        cache = folder / f"cache{number}"
        moment = moments.uniform(first, last)
        kill([*command, f"--build={cache}"], moment)
        kept = len(contents(cache))
        measure([*command, f"--build={cache}"])
        after = contents(cache)
        same = after == expected
        differing += not same
        print(f"kill {number + 1}: after {moment:.1f} s, {kept} of {len(expected)} records stood; same bank: {same}")
    return differing


def main() -> int:
    """Prints a line a kill and what it found; 0 where every next build ended with the same bank."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--photos", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)  # this program is its own victim
    options = parser.parse_args()
    if options.build:
        build(options.photos, options.build)
        return 0
    with tempfile.TemporaryDirectory() as name:
        differing = run_all(options.kills, Path(name))
    print(f"{options.kills - differing} of {options.kills} next builds ended with the bank of the undisturbed one")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
