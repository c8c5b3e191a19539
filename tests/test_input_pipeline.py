"""Tests of keras_transfer.data.input_pipeline."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_transfer.data import input_pipeline
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.settings.config import ImageConfig, ViewsConfig

IMAGE = ImageConfig(image_size=32)
VIEWS = ViewsConfig(augmented_views=2)
MAX_PIXELS = 10**6


@pytest.fixture
def examples(tmp_path: Path) -> Examples:
    """Five plain images whose red level is 10 times their index."""
    paths = []
    for index in range(5):
        path = tmp_path / f"{index}.png"
        Image.new("RGB", (50, 40), (10 * index, 100, 200)).save(path)
        paths.append(str(path))
    empty = ("",) * 5
    digests = tuple(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths)
    return Examples(("a", "b"), tuple(paths), np.array([0, 1, 0, 1, 0], np.int32), empty, empty, sha256=digests)


def test_clean_batches_hold_every_example_once_in_order_with_an_uneven_last_batch(examples):
    batches = list(input_pipeline.clean_batches(examples, image=IMAGE, max_pixels=MAX_PIXELS, batch_size=2))
    assert [images.shape for images, _ in batches] == [(2, 32, 32, 3), (2, 32, 32, 3), (1, 32, 32, 3)]
    assert batches[0][0].dtype == tf.float32
    assert batches[0][1].dtype == tf.int32
    reds = np.concatenate([images.numpy()[:, 16, 16, 0] for images, _ in batches])
    np.testing.assert_allclose(reds, [0, 10, 20, 30, 40], atol=1e-3)
    assert np.concatenate([labels.numpy() for _, labels in batches]).tolist() == [0, 1, 0, 1, 0]


def test_chosen_views_come_in_the_order_chosen(examples):
    chosen = tf.data.Dataset.from_tensor_slices((np.array([3, 0, 3], np.int64), np.array([0, 0, 2], np.int64)))
    rows = list(input_pipeline.chosen_views(examples, chosen, image=IMAGE, views=VIEWS, max_pixels=MAX_PIXELS, seed=0))
    assert [int(label) for _, label in rows] == [1, 0, 1]
    np.testing.assert_allclose(rows[0][0][16, 16], (30, 100, 200), atol=1e-3)
    np.testing.assert_allclose(rows[1][0][16, 16], (0, 100, 200), atol=1e-3)
    assert np.abs(rows[2][0] - rows[0][0]).max() > 1


def test_every_view_and_chosen_views_agree(examples):
    all_of_them = list(
        input_pipeline.every_view(examples, (0, 2), image=IMAGE, views=VIEWS, max_pixels=MAX_PIXELS, seed=4)
    )
    assert [element.shape for element in all_of_them] == [(2, 32, 32, 3)] * 5
    chosen = tf.data.Dataset.from_tensor_slices((np.array([1, 1], np.int64), np.array([0, 2], np.int64)))
    rows = list(input_pipeline.chosen_views(examples, chosen, image=IMAGE, views=VIEWS, max_pixels=MAX_PIXELS, seed=4))
    np.testing.assert_allclose(all_of_them[1], np.stack([image for image, _ in rows]), atol=1e-3)


def test_a_view_depends_on_the_bytes_and_not_on_the_place_in_the_data_set(examples):
    def views_of(part: Examples) -> list[np.ndarray]:
        dataset = input_pipeline.every_view(part, (1,), image=IMAGE, views=VIEWS, max_pixels=MAX_PIXELS, seed=0)
        return [element.numpy() for element in dataset]

    np.testing.assert_array_equal(views_of(examples)[3], views_of(examples.select([3, 0]))[0])


def test_examples_that_were_not_read_have_no_keys(examples):
    with pytest.raises(ValueError, match="read_all"):
        input_pipeline.example_keys(dataclasses.replace(examples, sha256=()))


def test_bytes_that_end_in_zeros_are_read_whole(tmp_path):
    """A plain black BMP: NumPy's own type for bytes would drop what its pixels are made of."""
    path = tmp_path / "black.bmp"
    Image.new("RGB", (40, 40)).save(path)
    assert path.read_bytes().endswith(b"\0" * 1000)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    one = Examples(("a",), (str(path),), np.zeros(1, np.int32), ("",), ("",), sha256=(digest,))
    ((images, _),) = input_pipeline.clean_batches(one, image=IMAGE, max_pixels=MAX_PIXELS, batch_size=1)
    assert images.numpy().max() == 0


def clean(examples: Examples) -> Iterable[object]:
    return input_pipeline.clean_batches(examples, image=IMAGE, max_pixels=MAX_PIXELS, batch_size=2)


def every(examples: Examples) -> Iterable[object]:
    return input_pipeline.every_view(examples, (0, 1), image=IMAGE, views=VIEWS, max_pixels=MAX_PIXELS, seed=0)


def chosen(examples: Examples) -> Iterable[object]:
    pairs = tf.data.Dataset.from_tensor_slices((np.arange(5), np.zeros(5, np.int64)))
    return input_pipeline.chosen_views(examples, pairs, image=IMAGE, views=VIEWS, max_pixels=MAX_PIXELS, seed=0)


def replace_by_another_photo(path: Path) -> None:
    shutil.copyfile(path.parent / "0.png", path)


def add_a_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_a_circle_of_links(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


@pytest.mark.parametrize("pipeline", [clean, every, chosen])
@pytest.mark.parametrize(
    "harm",
    [replace_by_another_photo, add_a_byte, Path.unlink, become_a_folder, become_a_circle_of_links],
)
def test_a_file_that_is_not_what_was_read_stops_every_pipeline_and_is_named(
    examples: Examples, pipeline: Callable[[Examples], Iterable[object]], harm: Callable[[Path], None]
) -> None:
    harm(Path(examples.paths[3]))
    with pytest.raises(UserError) as caught, input_pipeline.as_user_errors():
        list(pipeline(examples))
    assert examples.paths[3] in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["Häuser & 'Höfe'.png", '"a" [b] {c}.png', "日本.png", "back\\slash.png"])
def test_a_file_of_any_name_is_named_as_it_is(examples, tmp_path, name):
    path = str(tmp_path / name)
    gone = dataclasses.replace(examples, paths=(path, *examples.paths[1:]))
    with pytest.raises(UserError) as caught, input_pipeline.as_user_errors():
        list(clean(gone))
    assert path in str(caught.value)


@pytest.mark.parametrize("error", [tf.errors.ResourceExhaustedError, tf.errors.InternalError, tf.errors.CancelledError])
def test_an_error_of_the_machine_is_not_called_one_of_a_file(error):
    with pytest.raises(error), input_pipeline.as_user_errors():
        raise error(None, None, "out of memory")
