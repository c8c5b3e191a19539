"""Tests of keras_transfer.images.eager_decoding."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_transfer.images import eager_decoding
from keras_transfer.settings.config import ImageConfig
from planted_faults import encoded
from small_pictures import picture


def test_the_decoder_turns_photos_only_where_asked(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(picture(0), "JPEG", exif=exif)
    for image, shape in ((ImageConfig(), (150, 200, 3)), (ImageConfig(apply_exif=True), (200, 150, 3))):
        decode = eager_decoding.make_decoder(image=image, max_pixels=10**6, smallest_side=64)
        assert decode(content).shape == shape


def test_what_is_no_image_raises_the_decoder_s_own_error():
    decode = eager_decoding.make_decoder(image=ImageConfig(), max_pixels=10**6, smallest_side=0)
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(b"no image")


def test_pixels_are_those_of_the_file():
    decode = eager_decoding.make_decoder(image=ImageConfig(), max_pixels=10**6, smallest_side=0)
    np.testing.assert_array_equal(decode(encoded(picture(0), "PNG")), np.asarray(picture(0)))
