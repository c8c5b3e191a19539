"""Tests of keras_transfer.images.refusals."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_transfer.images import decoding
from keras_transfer.images.refusals import plain_reason, reason


def noise(kind: str, *, height: int, width: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


REASONS = {
    "no image": (b"dear diary", "Unknown image file format. One of JPEG, PNG, GIF, BMP and WebP is required."),
    "cut off": (
        noise("JPEG", height=39, width=60)[:-200],
        "jpeg::Uncompress failed. Invalid JPEG data or crop window.",
    ),
    "JPEG XL": (b"\xff\x0a" + bytes(40), "JPEG XL images are not accepted: send JPEG, PNG, GIF, BMP or WebP."),
    "too large": (
        noise("PNG", height=40, width=60),
        "its header declares 60 x 40 pixels, more than the 2,399 of --max_image_pixels",
    ),
    "no size": (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40),
        "The image's header is damaged. Height and width that it declares: [0 0]",
    ),
}


class Decoder(tf.Module):
    """Decodes images of less than 40 x 60 pixels."""

    @tf.function(input_signature=[tf.TensorSpec((), tf.string)])
    def decode(self, encoded: tf.Tensor) -> tf.Tensor:
        return decoding.decode(encoded, max_pixels=40 * 60 - 1)


@pytest.fixture(scope="module")
def loaded_decode(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tf.Tensor], tf.Tensor]:
    folder: Path = tmp_path_factory.mktemp("decoder")
    tf.saved_model.save(Decoder(), str(folder))
    return tf.saved_model.load(str(folder)).decode


def reason_of(
    decode: Callable[[tf.Tensor], tf.Tensor],
    encoded: bytes,
    tell: Callable[[tf.errors.OpError], str] = plain_reason,
) -> str:
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        decode(tf.constant(encoded))
    return tell(raised.value)


@pytest.mark.parametrize("case", REASONS)
def test_a_refusal_in_this_process_is_one_plain_line(case):
    encoded, reason = REASONS[case]
    assert reason_of(Decoder().decode, encoded) == reason


@pytest.mark.parametrize("case", REASONS)
def test_a_refusal_in_a_loaded_saved_model_is_the_very_same_line(loaded_decode, case):
    encoded, reason = REASONS[case]
    assert reason_of(loaded_decode, encoded) == reason


@pytest.mark.parametrize(
    ("case", "words"),
    [("no image", "a text file"), ("cut off", "a JPEG that is cut off"), ("JPEG XL", "JPEG XL: convert")],
)
def test_the_bytes_tell_what_the_decoder_cannot_say(loaded_decode, case, words):
    encoded, _ = REASONS[case]
    for decode in (Decoder().decode, loaded_decode):
        assert words in reason_of(decode, encoded, lambda error: reason(error, encoded))


@pytest.mark.parametrize("case", ["too large", "no size"])
def test_what_is_refused_by_name_keeps_its_name(case):
    encoded, plain = REASONS[case]
    kept = "a PNG that is cut off (its end is missing): get the file again" if case == "no size" else plain
    assert reason_of(Decoder().decode, encoded, lambda error: reason(error, encoded)) == kept


def test_bytes_of_no_known_kind_keep_the_decoder_s_own_words():
    encoded = np.random.default_rng(0).bytes(500)
    assert "One of JPEG" in reason_of(Decoder().decode, encoded, lambda error: reason(error, encoded))


def test_an_error_that_is_none_of_the_image_stays_as_it_is():
    error = tf.errors.ResourceExhaustedError(None, None, "out of memory")
    assert reason(error, noise("JPEG", height=9, width=9)) == "out of memory"


def test_a_long_message_is_cut_and_an_empty_one_names_the_error():
    assert plain_reason(tf.errors.DataLossError(None, None, "word " * 100)) == ("word " * 100)[:300]
    assert plain_reason(tf.errors.DataLossError(None, None, "")) == "DataLossError"
