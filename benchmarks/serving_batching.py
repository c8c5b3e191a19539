"""What batching inside the export is worth: concurrent clients of one process, each asking for one photo at a time.

python benchmarks/serving_batching.py --backbone=mobilenetv2 --batch_sizes 0 4 16

Ways take turns, round by round, so that a machine that gets slower in between does not favour one of them.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

_CLASS_NAMES = ("bus", "car", "van")


@dataclass
class Way:
    """One export under load.

    Attributes:
      name: for the table.
      serving_default: the signature.
      rates: answers a second, one of each round.
      seconds: of every answer.
    """

    name: str
    serving_default: Callable[..., Any]
    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def load(self, content: bytes, *, clients: int, seconds: float) -> None:
        """Lets clients ask again and again for some seconds."""
        import tensorflow as tf

        images, ended = tf.constant([content]), threading.Event()

        def client() -> list[float]:
            took = []
            while not ended.is_set():
                started = time.perf_counter()
                self.serving_default(image_bytes=images)["label"].numpy()
                took.append(time.perf_counter() - started)
            return took

        with ThreadPoolExecutor(clients) as pool:
            started = time.perf_counter()
            asking = [pool.submit(client) for _ in range(clients)]
            time.sleep(seconds)
            ended.set()
            answers = [took for each in asking for took in each.result()]
            self.rates.append(len(answers) / (time.perf_counter() - started))
        self.seconds += answers

    def row(self) -> str:
        """A row of the table."""
        middle, slow = np.percentile(self.seconds, (50, 95)) * 1000
        return f"| {self.name} | {statistics.median(self.rates):.1f} | {middle:.0f} | {slow:.0f} |"


def make_ways(options: argparse.Namespace, folder: Path) -> list[Way]:
    """Exports of one classifier, one for each batch size, loaded."""
    import tensorflow as tf

    from keras_transfer.model import classifier
    from keras_transfer.saved_model import signatures
    from keras_transfer.settings.config import ModelConfig

    model_config = ModelConfig(backbone=options.backbone, weights="random")
    model = classifier.build(model_config, class_count=3, image_size=options.image_size, seed=0).model
    ways = []
    for size in options.batch_sizes:
        module, functions = signatures.build_module(make_export_spec(model, size, options))
        tf.saved_model.save(module, str(folder / str(size)), signatures=functions)
        loaded = tf.saved_model.load(str(folder / str(size)))
        ways.append(Way(f"batches of up to {size}" if size else "no batching", loaded.signatures["serving_default"]))
    return ways


def make_export_spec(model: Any, batch_size: int, options: argparse.Namespace) -> Any:
    """What an export of a classifier is made from."""
    from keras_transfer.saved_model.signatures import ExportSpec
    from keras_transfer.settings.config import ImageConfig, ServingConfig

    return ExportSpec(
        model=model,
        class_names=_CLASS_NAMES,
        image=ImageConfig(image_size=options.image_size),
        max_pixels=50_000_000,
        serving=ServingConfig(
            serving_batch_size=batch_size,
            serving_batch_timeout_microseconds=options.timeout_microseconds,
            serving_precision=options.precision,
        ),
    )


def photo() -> bytes:
    """A JPEG of 500x375 pixels, as many public photos are."""
    coarse = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize((500, 375)).save(file, "JPEG", quality=90)
    return file.getvalue()


def main() -> int:
    """Prints a table: answers a second (median of the rounds), and the milliseconds that half and 95% stay below."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="mobilenetv2")
    parser.add_argument("--image_size", type=int, default=224)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[0, 4, 16])
    parser.add_argument("--timeout_microseconds", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    from keras_transfer import terminal

    terminal.import_tensorflow_quietly()
    with tempfile.TemporaryDirectory() as name:
        ways = make_ways(options, Path(name))
    content = photo()
    for way in ways:
        way.load(content, clients=options.clients, seconds=2)
        way.rates, way.seconds = [], []
    for _ in range(options.rounds):
        for way in ways:
            way.load(content, clients=options.clients, seconds=options.seconds)
    print(f"\n{options.backbone}, {options.precision}, {options.image_size} pixels, {options.clients} clients\n")
    print("| export | answers/s | median ms | 95% ms |\n| --- | --- | --- | --- |")
    for way in ways:
        print(way.row())
    return 0


if __name__ == "__main__":
    sys.exit(main())
