"""Sends damaged and malicious images to an export while good ones are asked for: who suffers, and how much memory?

python benchmarks/hostile_images.py --images=10000 [--export_dir=runs/x/export/vehicles/1]

Every answer to a hostile image must be a result or INVALID_ARGUMENT, every good request must succeed, and memory must
stay bounded; else it exits with 1. Without --export_dir it makes a small export of its own.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import random
import resource
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BOMB_SIDE = 40_000  # pixels: 4.8 GB decoded
_ATTACKERS, _GOOD_CLIENTS = 6, 2


@dataclass
class Outcome:
    """What came of an attack.

    Attributes:
      hostile: answers to hostile images by kind of image and of answer: result, INVALID_ARGUMENT, or an error's name.
      good: answers to good requests; right, wrong or an error's name.
      slowest_seconds: of an answer to a hostile image.
      memory_bytes: by which the largest memory of the process grew.
    """

    hostile: Counter[tuple[str, str]] = field(default_factory=Counter)
    good: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0
    memory_bytes: int = 0

    @property
    def good_count(self) -> int:
        """Good requests that were answered rightly."""
        return self.good["right"]

    def rows(self, seconds: float) -> list[tuple[str, str]]:
        """All of it for a table; `seconds` is what the attack took."""
        rows = [(f"{kind}: {answer}", f"{count:,}") for (kind, answer), count in sorted(self.hostile.items())]
        rows += [(f"good requests: {answer}", f"{count:,}") for answer, count in self.good.items()]
        rows.append(("seconds", f"{seconds:.0f}; the slowest answer {self.slowest_seconds:.2f}"))
        return [*rows, ("memory", f"grew by {self.memory_bytes / 2**20:,.0f} MiB")]

    def faults(self, *, max_memory_bytes: int) -> list[str]:
        """What must not have happened."""
        allowed = ("result", "INVALID_ARGUMENT")
        wrong = [f"{count} {kind}: {answer}" for (kind, answer), count in self.hostile.items() if answer not in allowed]
        wrong += [f"{count} good requests: {answer}" for answer, count in self.good.items() if answer != "right"]
        if not self.good_count:
            wrong.append("No good request was answered.")
        if self.memory_bytes > max_memory_bytes:
            wrong.append(f"Memory grew by {self.memory_bytes / 2**20:,.0f} MiB.")
        return wrong


def seeds(rng: np.random.Generator) -> dict[str, bytes]:
    """A good image in each format and flavour that the decoders tell apart."""
    smooth = np.asarray(Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((320, 240)))
    image = Image.fromarray(smooth)
    second = Image.fromarray(255 - smooth)
    see_through = image.copy()
    see_through.putalpha(128)
    return {
        "jpeg": _encoded(image, "JPEG"),
        "progressive jpeg": _encoded(image, "JPEG", progressive=True),
        "cmyk jpeg": _encoded(image.convert("CMYK"), "JPEG"),
        "png": _encoded(image, "PNG"),
        "palette png": _encoded(image.convert("P"), "PNG"),
        "transparent png": _encoded(see_through, "PNG"),
        "gif": _encoded(image, "GIF"),
        "animated gif": _encoded(image, "GIF", save_all=True, append_images=[second] * 3),
        "bmp": _encoded(image, "BMP"),
        "webp": _encoded(image, "WEBP"),
        "lossless webp": _encoded(image, "WEBP", lossless=True),
        "transparent webp": _encoded(see_through, "WEBP"),
        "animated webp": _encoded(image, "WEBP", save_all=True, append_images=[second]),
    }


def bombs(side: int = _BOMB_SIDE) -> dict[str, bytes]:
    """Good images whose header is changed to declare a huge one, by the formats' specifications."""
    good = seeds(np.random.default_rng(0))
    size_at = good["jpeg"].index(b"\xff\xc0\x00\x11\x08") + 5
    short = struct.pack("<HH", side, side)
    webp_limit = 2**14 - 1  # what 14 bits hold
    frame = good["gif"].index(b",", 13 + 3 * 256) + 5
    return {
        "jpeg": _patched(good["jpeg"], size_at, struct.pack(">HH", side, side)),
        "png": _patched(good["png"], 16, struct.pack(">II", side, side)),
        "gif screen": _patched(good["gif"], 6, short),
        "gif frame": _patched(good["gif"], frame, short),
        "gif later frames": good["gif"][:-1] + (b"," + bytes(4) + short + b"\0\x02\x01\x05\0") * 50 + b";",
        "bmp": _patched(good["bmp"], 18, struct.pack("<ii", side, side)),
        "bmp top-down": _patched(good["bmp"], 18, struct.pack("<ii", side, -side)),
        "webp": _patched(good["webp"], 26, struct.pack("<HH", webp_limit, webp_limit)),
        "lossless webp": _patched(good["lossless webp"], 21, struct.pack("<I", webp_limit << 14 | webp_limit)),
        "extended webp": _patched(good["transparent webp"], 24, struct.pack("<I", side - 1)[:3] * 2),
        "jpeg xl": b"\xff\x0a" + bytes(64),
    }


def hostile_images(count: int, *, seed: int) -> Iterator[tuple[str, bytes]]:
    """Kind and bytes: bombs, truncated images, and images with some flipped bits or swapped stretches."""
    chance = random.Random(seed)
    good = list(seeds(np.random.default_rng(seed)).values())
    threats = [("bomb", content) for content in bombs().values()]
    for number in range(count):
        kind = ("truncated", "flipped", "flipped header", "shuffled", "bomb")[number % 5]
        content = bytearray(chance.choice(good))
        if kind == "bomb":
            yield chance.choice(threats)
            continue
        if kind == "truncated":
            del content[chance.randrange(len(content)) :]
        elif kind == "shuffled":
            start, length = chance.randrange(len(content)), chance.randrange(1, 200)
            content[start : start + length] = chance.randbytes(length)
        else:
            reach = 64 if kind == "flipped header" else len(content)
            for _ in range(chance.randint(1, 10)):
                content[chance.randrange(min(reach, len(content)))] ^= 1 << chance.randrange(8)
        yield kind, bytes(content)


class Attack:
    """Clients of one export, some hostile and some not, in threads of this process."""

    def __init__(self, serving_default: Callable[..., Any], images: Iterator[tuple[str, bytes]]) -> None:
        self._ask, self._images = serving_default, images
        self._outcome, self._lock, self._ended = Outcome(), threading.Lock(), threading.Event()
        self._good = list(seeds(np.random.default_rng(7)).values())[:-1]  # the last one is animated, and refused

    def run(self) -> Outcome:
        """Sends every hostile image once, and good ones until the last of them is answered."""
        expected = [_ask(self._ask, content) for content in self._good]
        before = _largest_memory_bytes()
        with ThreadPoolExecutor(_ATTACKERS + _GOOD_CLIENTS) as pool:
            clients = [pool.submit(self._send_good, expected) for _ in range(_GOOD_CLIENTS)]
            attackers = [pool.submit(self._send_hostile) for _ in range(_ATTACKERS)]
            for attacker in attackers:
                attacker.result()
            self._ended.set()
            for client in clients:
                client.result()
        self._outcome.memory_bytes = _largest_memory_bytes() - before
        return self._outcome

    def _send_hostile(self) -> None:
        while True:
            with self._lock:
                kind, content = next(self._images, ("", b""))
            if not kind:
                return
            started = time.perf_counter()
            answer = self._answer(content, lambda row: "result" if np.isfinite(row).all() else "not finite")
            seconds = time.perf_counter() - started
            with self._lock:
                self._outcome.hostile[kind, answer] += 1
                self._outcome.slowest_seconds = max(self._outcome.slowest_seconds, seconds)

    def _send_good(self, expected: Sequence[NDArray[np.float32]]) -> None:
        for content, right in itertools.cycle(zip(self._good, expected, strict=True)):
            if self._ended.is_set():
                return
            answer = self._answer(content, _judge_against(right))
            with self._lock:
                self._outcome.good[answer] += 1

    def _answer(self, content: bytes, judge: Callable[[NDArray[np.float32]], str]) -> str:
        import tensorflow as tf

        try:
            return judge(_ask(self._ask, content))
        except tf.errors.InvalidArgumentError:
            return "INVALID_ARGUMENT"
        except Exception as error:  # whatever else comes is what is looked for
            return f"{type(error).__name__}: {str(error)[:200]}"


def _judge_against(right: NDArray[np.float32]) -> Callable[[NDArray[np.float32]], str]:
    return lambda row: "right" if np.allclose(row, right, atol=1e-4) else "wrong"


def _ask(serving_default: Callable[..., Any], content: bytes) -> NDArray[np.float32]:
    import tensorflow as tf

    answer = serving_default(image_bytes=tf.constant([content]))
    row: NDArray[np.float32] = np.asarray(answer["probabilities"])[0]
    return row


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _patched(content: bytes, place: int, value: bytes) -> bytes:
    return content[:place] + value + content[place + len(value) :]


def _largest_memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _make_export(folder: Path) -> Path:
    from keras_transfer.model import classifier
    from keras_transfer.saved_model import writer
    from keras_transfer.saved_model.signatures import ExportSpec
    from keras_transfer.settings.config import ImageConfig, ModelConfig, ServingConfig

    built = classifier.build(
        ModelConfig(backbone="mobilenetv3small", weights="random"), class_count=3, image_size=96, seed=0
    )
    spec = ExportSpec(
        model=built.model,
        class_names=("bus", "car", "van"),
        image=ImageConfig(image_size=96),
        max_pixels=50_000_000,
        serving=ServingConfig(),
    )
    with writer.staging(spec, folder=folder / "hostile", version=1):
        pass
    return folder / "hostile" / "1"


def main() -> int:
    """Prints a table of answers and what must not have happened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export_dir", default="")
    parser.add_argument("--max_memory_mib", type=int, default=1024, help="growth that is still called bounded")
    options = parser.parse_args()
    from keras_transfer import terminal

    terminal.import_tensorflow_quietly()
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as name:
        export_dir = options.export_dir or str(_make_export(Path(name)))
        loaded = tf.saved_model.load(export_dir)
        started = time.perf_counter()
        outcome = Attack(loaded.signatures["serving_default"], hostile_images(options.images, seed=options.seed)).run()
    terminal.table(outcome.rows(time.perf_counter() - started), title=f"{options.images:,} hostile images")
    faults = outcome.faults(max_memory_bytes=options.max_memory_mib * 2**20)
    print(json.dumps({"images": options.images, "good": outcome.good_count, "faults": faults}))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
