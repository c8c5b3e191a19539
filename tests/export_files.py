"""A folder that looks like a whole export, with the digests of its files, for tests of serving/."""

from __future__ import annotations

import hashlib
from pathlib import Path

# What tf.io.TFRecordWriter of TensorFlow 2.21 wrote for b"warm-up" and b"123456789".
TWO_RECORDS = bytes.fromhex(
    "0700000000000000bbd79f117761726d2d7570051a3e58090000000000000037f97139313233343536373839e5b08ac7"
)
DIGESTS = "assets.extra/SHA256SUMS"
FILES = {
    "saved_model.pb": b"program",
    "variables/variables.index": b"index",
    "variables/variables.data-00000-of-00002": b"first",
    "variables/variables.data-00001-of-00002": b"second",
    "assets.extra/labels.txt": "bus\nvélo\n".encode(),
    "assets.extra/metadata.json": b'{"digests": "assets.extra/SHA256SUMS"}',
    "assets.extra/tf_serving_warmup_requests": TWO_RECORDS,
}


def write(folder: Path) -> Path:
    """Writes the files and their digests, as `sha256sum` would.

    Args:
      folder: must not exist.

    Returns:
      The folder.
    """
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(FILES.items())]
    for name, content in {**FILES, DIGESTS: "".join(lines).encode()}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def without_digests(folder: Path) -> Path:
    """Makes of an export one of an earlier release."""
    (folder / DIGESTS).unlink()
    (folder / "assets.extra" / "metadata.json").write_text("{}")
    return folder
