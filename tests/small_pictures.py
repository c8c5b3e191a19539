"""Pictures made by a seed that look different to perceptual hashes, as photos do, for the tests of inspection."""

from __future__ import annotations

import numpy as np
from PIL import Image

from keras_transfer.images import looks
from keras_transfer.inspection.photos import Photo


def picture(seed: int, width: int = 200, height: int = 150) -> Image.Image:
    """Blots of several sizes in colour."""
    rng = np.random.default_rng(seed)
    layers = np.zeros((height, width, 3))
    for cells, strength in ((3, 70), (8, 50), (24, 30)):
        blots = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        layers += (np.asarray(blots.resize((width, height), Image.Resampling.BICUBIC)) / 127.5 - 1) * strength
    return Image.fromarray(np.clip(128 + layers, 0, 255).astype(np.uint8))


def photo(image: Image.Image, path: str, digest: str = "") -> Photo:
    """A photo that was read."""
    return Photo(path, digest or path, contrast=40.0, look=looks.describe([looks.shrink(np.asarray(image))]))
