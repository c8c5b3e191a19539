"""Reading a Keras graph, on graphs small enough to see through."""

from __future__ import annotations

import keras
import pytest

from keras_transfer.model import graph


@pytest.fixture(scope="module")
def residual() -> keras.Model:
    """Image -> stem -> (branch, stem) -> joined -> top."""
    image = keras.Input((4, 4, 3), name="image")
    stem = keras.layers.Conv2D(2, 1, name="stem")(image)
    branch = keras.layers.Conv2D(2, 1, name="branch")(stem)
    joined = keras.layers.Add(name="joined")([stem, branch])
    return keras.Model(image, keras.layers.ReLU(name="top")(joined))


def test_a_layer_beside_a_shortcut_is_no_sole_crossing(residual: keras.Model) -> None:
    assert graph.sole_crossings(residual.operations) == ("image", "stem", "joined", "top")


def test_a_tensor_used_twice_by_one_layer_is_still_one_tensor() -> None:
    image = keras.Input((4,), name="image")
    squared = keras.layers.Multiply(name="squared")([image, image])
    assert graph.sole_crossings(keras.Model(image, squared).operations) == ("image", "squared")


def test_what_only_a_later_operation_needs_is_left_out_of_account(residual: keras.Model) -> None:
    assert graph.sole_crossings(residual.operations[:2]) == ("image", "stem")


def test_an_operation_that_is_no_layer_is_found_by_name() -> None:
    image = keras.Input((4, 4, 3), name="image")
    flipped = keras.ops.flip(image, axis=-1)
    model = keras.Model(image, flipped)
    assert graph.find(model, model.operations[-1].name).output is flipped


def test_an_unknown_name_is_a_key_error(residual: keras.Model) -> None:
    with pytest.raises(KeyError, match="nowhere"):
        graph.find(residual, "nowhere")


def test_innermost_layers_look_into_a_sequence() -> None:
    image = keras.Input((4,), name="image")
    sequence = keras.Sequential([keras.layers.Dense(3, name="inner"), keras.layers.ReLU(name="after")], name="sequence")
    model = keras.Model(image, keras.layers.Dense(2, name="outer")(sequence(image)))
    assert [layer.name for layer in graph.innermost_layers(model)] == ["image", "inner", "after", "outer"]


def test_a_separable_convolution_has_two_kernels() -> None:
    layer = keras.layers.SeparableConv2D(5, 3, use_bias=True)
    layer.build((None, 4, 4, 2))
    assert [tuple(kernel.shape) for kernel in graph.kernels(layer)] == [(3, 3, 2, 1), (1, 1, 2, 5)]
