"""Small pictures for pages, held inside them."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 240  # pixels of the longer side, and CSS pixels on a page: enough to judge a label by
_QUALITY = 70  # about 10 KB each


def data_uri(pixels: NDArray[np.uint8], *, longest_side: int = SIDE) -> str:
    """A picture as a small JPEG.

    Args:
      pixels: RGB, shape (height, width, 3).
      longest_side: in pixels; a smaller picture stays as it is.

    Returns:
      "data:image/jpeg;base64,...".
    """
    picture = Image.fromarray(pixels)
    picture.thumbnail((longest_side, longest_side))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
