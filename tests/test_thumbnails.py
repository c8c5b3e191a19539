"""Tests of keras_transfer.images.thumbnails."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from keras_transfer.images import thumbnails
from small_pictures import picture


@pytest.mark.parametrize(
    ("width", "height", "small"), [(800, 400, (240, 120)), (400, 800, (120, 240)), (100, 50, (100, 50))]
)
def test_a_picture_becomes_a_small_jpeg_of_the_same_shape(width, height, small):
    uri = thumbnails.data_uri(np.asarray(picture(0, width, height)))
    start, _, data = uri.partition(",")
    assert start == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as read:
        assert (read.format, read.size) == ("JPEG", small)
        expected = np.asarray(picture(0, width, height).resize(small), float)
        assert np.abs(np.asarray(read, float) - expected).mean() < 10


def test_the_longest_side_can_be_chosen():
    uri = thumbnails.data_uri(np.asarray(picture(0, 800, 400)), longest_side=320)
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as read:
        assert read.size == (320, 160)
