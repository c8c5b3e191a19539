"""What the tests know about the models that `make_model.py` writes, and requests to them. Standard library only."""

from __future__ import annotations

import struct
import zlib

MODEL = "toy"
HALF_COPIED_MODEL = "half_copied"
LABELS = {"stable": 1, "canary": 2}
CLASS_NAMES = {1: ("blue", "green", "red"), 2: ("BLUE", "GREEN", "RED")}
NEWEST_VERSION = max(CLASS_NAMES)
EXAMPLE_FEATURE = "image/encoded"
EMBEDDING_SIZE = 4096
LARGEST_BATCH = 8  # of the signature `batched`

# The logit of a class is the mean of its colour channel in [0, 1] times this.
SHARPNESS = 4.0

# Version folders in PUBLISHABLE_FOLDER, for the tests to publish.
PUBLISHABLE_FOLDER = "to_publish"
WHOLE = "whole"
BROKEN = "broken_program"
MISSING_SIGNATURE = "warmup_of_missing_signature"
MOST_WARMUP = "most_warmup_records"
TOO_MUCH_WARMUP = "too_many_warmup_records"
CORRUPT_WARMUP = "corrupt_warmup"
NO_INDEX = "variables_without_index"
MOST_WARMUP_RECORDS = 1000

METRICS_PATH = "/monitoring/prometheus/metrics"

RED, GREEN, BLUE, BLACK, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255)


def png(colour: tuple[int, int, int]) -> bytes:
    """The bytes of a PNG file of one pixel (https://www.w3.org/TR/png/).

    Args:
      colour: red, green and blue in 0 to 255.
    """
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)  # 1 x 1 pixels of 8-bit RGB
    pixels = zlib.compress(bytes([0, *colour]))  # after a filter byte
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
