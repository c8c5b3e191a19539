"""The recipe of a feature bank: all that fixes a record's values except the image, and the keys made from it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_transfer.settings.config import ImageConfig, ViewsConfig

FORMAT = 2  # raised when the records' layout, decoding, resizing or augmentation changes their values
RECORD_DTYPE = np.dtype("<f2")


@dataclass(frozen=True)
class Recipe:
    """All that fixes a record, except the image's bytes and the view.

    Attributes:
      frozen_part: fingerprint of what lies below the cut, weights and wiring.
      cut: layer whose output is stored.
      record_shape: of one activation.
      precision: arithmetic of the frozen part: float32, bfloat16 or float16.
      image: side and resize mode.
      views: how many, and the strength of each augmentation.
      seed: of the augmented views.
    """

    frozen_part: str
    cut: str
    record_shape: tuple[int, ...]
    precision: str
    image: ImageConfig
    views: ViewsConfig
    seed: int

    @property
    def record_bytes(self) -> int:
        """Size of one record in bytes."""
        return math.prod(self.record_shape) * RECORD_DTYPE.itemsize

    @property
    def view_count(self) -> int:
        """The clean view and the augmented ones."""
        return self.views.augmented_views + 1

    def contents(self, view: int) -> dict[str, Any]:
        """What `key` is the hash of. The clean view depends on no augmentation and no seed."""
        contents = {
            "format": FORMAT,
            "frozen_part": self.frozen_part,
            "cut": self.cut,
            "record_shape": list(self.record_shape),
            "precision": self.precision,
            "image": dataclasses.asdict(self.image),
            "view": view,
        }
        if view:
            settings = dataclasses.asdict(self.views)
            del settings["augmented_views"]  # view 1 is the same whether there is a view 2 or not
            contents.update(views=settings, seed=self.seed)
        return contents

    def key(self, view: int) -> str:
        """Names the records of a view: 32 hexadecimal digits, which change with all that changes a record."""
        return hashlib.sha256(json.dumps(self.contents(view), sort_keys=True).encode()).hexdigest()[:32]
