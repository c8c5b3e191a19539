"""Tests of keras_transfer.saved_model.signatures: what an export answers, from a saved and loaded SavedModel."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_transfer.saved_model import signatures
from keras_transfer.settings.config import ImageConfig
from small_export import CLASS_NAMES, FEATURE_LAYER, ask, make_export_spec, noise, png

Signatures = dict[str, Callable[..., dict[str, tf.Tensor]]]


def save(folder: Path, spec: signatures.ExportSpec) -> Any:
    module, functions = signatures.build_module(spec)
    tf.saved_model.save(module, str(folder), signatures=functions)
    return tf.saved_model.load(str(folder))


@pytest.fixture(scope="module")
def spec() -> signatures.ExportSpec:
    return make_export_spec()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def loaded(folder, spec) -> Any:
    return save(folder, spec)


@pytest.fixture(scope="module")
def ask_export(loaded) -> Signatures:
    return dict(loaded.signatures)


@pytest.fixture(scope="module")
def batched(tmp_path_factory: pytest.TempPathFactory, spec) -> Any:
    serving = make_export_spec(serving_batch_size=4, serving_batch_timeout_microseconds=20_000)
    return save(tmp_path_factory.mktemp("batched"), serving)


def examples(contents: list[bytes], feature: str = "image/encoded") -> tf.Tensor:
    def example(content: bytes) -> bytes:
        value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[content]))
        serialized: bytes = tf.train.Example(features=tf.train.Features(feature={feature: value})).SerializeToString()
        return serialized

    return tf.constant([example(content) for content in contents])


PIXELS = noise(5)
FILES = [png(each) for each in PIXELS]


def test_serving_default_gives_the_classifier_s_probabilities_for_files(ask_export, spec):
    answer = ask_export["serving_default"](image_bytes=tf.constant(FILES))
    np.testing.assert_allclose(answer["probabilities"], ask(spec.model, PIXELS), atol=1e-6)


def test_label_and_score_are_those_of_the_best_class(ask_export, spec):
    answer = ask_export["serving_default"](image_bytes=tf.constant(FILES))
    expected = ask(spec.model, PIXELS)
    assert [name.decode() for name in answer["label"].numpy()] == [CLASS_NAMES[best] for best in expected.argmax(1)]
    np.testing.assert_allclose(answer["score"], expected.max(axis=1), atol=1e-6)


def test_image_tensor_answers_pixels_like_serving_default_their_file(ask_export):
    """Of another size than the network's, so that both resize."""
    pixels = noise(3, height=45, width=60)
    from_pixels = ask_export["image_tensor"](images=tf.constant(pixels))
    from_files = ask_export["serving_default"](image_bytes=tf.constant([png(each) for each in pixels]))
    assert set(from_pixels) == set(from_files)
    np.testing.assert_allclose(from_pixels["probabilities"], from_files["probabilities"], atol=1e-6)


@pytest.mark.parametrize("resize_mode", ["crop", "pad"])
def test_image_tensor_resizes_in_the_mode_of_the_files(tmp_path, resize_mode):
    functions = save(tmp_path, make_export_spec(image=ImageConfig(image_size=32, resize_mode=resize_mode))).signatures
    pixels = noise(1, height=45, width=90)
    from_pixels = functions["image_tensor"](images=tf.constant(pixels))["probabilities"]
    from_file = functions["serving_default"](image_bytes=tf.constant([png(pixels[0])]))["probabilities"]
    np.testing.assert_allclose(from_pixels, from_file, atol=1e-6)


def test_classify_gives_every_class_best_first(ask_export, spec):
    answer = ask_export["classify"](inputs=examples(FILES))
    expected = ask(spec.model, PIXELS)
    order = np.argsort(-expected, axis=1)
    assert answer["classes"].numpy().tolist() == [[CLASS_NAMES[place].encode() for place in row] for row in order]
    np.testing.assert_allclose(answer["scores"], np.take_along_axis(expected, order, axis=1), atol=1e-6)


def test_embed_gives_the_mean_activation_below_the_standardization(ask_export, spec):
    feature_map = keras.Model(spec.model.inputs[0], spec.model.get_layer(FEATURE_LAYER).output)
    answer = ask_export["embed"](image_bytes=tf.constant(FILES))
    np.testing.assert_allclose(answer["embedding"], ask(feature_map, PIXELS).mean(axis=(1, 2)), rtol=1e-5)


@pytest.mark.parametrize(
    ("signature", "outputs"),
    [
        ("serving_default", {"label", "score", "top_labels", "top_scores", "probabilities"}),
        ("image_tensor", {"label", "score", "top_labels", "top_scores", "probabilities"}),
        ("classify", {"classes", "scores"}),
        ("embed", {"embedding"}),
    ],
)
def test_outputs_have_names_that_a_server_does_not_take_for_binary(loaded, signature, outputs):
    named = loaded.signatures[signature].structured_outputs
    assert set(named) == outputs
    assert not [name for name in named if name.endswith("_bytes")]


@pytest.mark.parametrize("shape", [(), (0,), (2, 1)])
def test_strings_of_another_shape_are_refused_with_the_right_one(ask_export, shape):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"image_bytes must have the shape \(batch,\)"):
        ask_export["serving_default"](image_bytes=tf.fill(shape, FILES[0]))


@pytest.mark.parametrize(
    "shape",
    [(), (32, 32, 3), (1, 32, 32, 4), (1, 32, 32), (0, 32, 32, 3), (1, 0, 32, 3), (1, 32, 0, 3), (1, 1, 1, 1, 3)],
)
def test_pixels_of_another_shape_are_refused_with_the_right_one(ask_export, shape):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"images must have the shape \(batch, height, width, 3\)"):
        ask_export["image_tensor"](images=tf.zeros(shape, tf.uint8))


@pytest.mark.parametrize("signature", ["serving_default", "embed"])
def test_bytes_that_are_no_image_are_an_invalid_argument(ask_export, signature):
    with pytest.raises(tf.errors.InvalidArgumentError, match="Unknown image file format"):
        ask_export[signature](image_bytes=tf.constant([FILES[0], b"no image"]))


def test_an_image_of_too_many_pixels_is_refused_by_name(ask_export):
    wide = png(np.zeros((1000, 1001, 3), np.uint8))
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        ask_export["serving_default"](image_bytes=tf.constant([wide]))


def test_an_example_without_the_image_is_an_invalid_argument(ask_export):
    with pytest.raises(tf.errors.InvalidArgumentError, match="image/encoded"):
        ask_export["classify"](inputs=examples(FILES[:1], feature="image"))


def test_the_network_s_graph_is_saved_once_for_all_signatures(folder, loaded, spec):
    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    functions = saved.meta_graphs[0].graph_def.library.function
    convolutions = [node.name for function in functions for node in function.node_def if node.op == "Conv2D"]
    layers = [layer for layer in spec.model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) == len(layers) == 2


def test_at_most_five_labels_are_the_top_ones():
    names = tf.constant([f"class {number}" for number in range(7)])
    probabilities = tf.constant([[0.05, 0.3, 0.1, 0.02, 0.25, 0.2, 0.08]])
    answer = signatures.describe(probabilities, class_names=names)
    assert answer["top_labels"].numpy().tolist() == [[f"class {number}".encode() for number in (1, 4, 5, 2, 6)]]
    np.testing.assert_allclose(answer["top_scores"], [[0.3, 0.25, 0.2, 0.1, 0.08]])


@pytest.mark.parametrize("count", [1, 3, 4, 5, 11])
def test_with_batching_a_request_of_any_size_gets_the_same_answers(batched, spec, count):
    pixels = noise(count)
    answer = batched.signatures["image_tensor"](images=tf.constant(pixels))
    np.testing.assert_allclose(answer["probabilities"], ask(spec.model, pixels), atol=1e-6)


def test_with_batching_the_answers_keep_their_static_shapes(batched):
    assert batched.signatures["serving_default"].structured_outputs["probabilities"].shape == (None, 3)
    assert batched.signatures["embed"].structured_outputs["embedding"].shape == (None, 64)


def test_with_batching_a_request_beyond_sixteen_batches_is_refused(batched):
    with pytest.raises(tf.errors.InvalidArgumentError, match="larger than maximum input batch size 64"):
        batched.signatures["image_tensor"](images=tf.constant(noise(65)))


@pytest.mark.parametrize("kind", ["loaded", "batched"])
def test_bad_images_harm_no_request_but_their_own(request, spec, kind):
    serving_default = request.getfixturevalue(kind).signatures["serving_default"]
    expected = ask(spec.model, PIXELS)

    def send(number: int) -> Any:
        content = FILES[number % 5] if number % 3 else FILES[number % 5][:-40]
        try:
            return serving_default(image_bytes=tf.constant([content]))["probabilities"].numpy()[0]
        except tf.errors.InvalidArgumentError:
            return None

    with concurrent.futures.ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(send, range(60)))
    assert [answer is None for answer in answers] == [number % 3 == 0 for number in range(60)]
    for number, answer in enumerate(answers):
        if answer is not None:
            np.testing.assert_allclose(answer, expected[number % 5], atol=1e-6)


def test_a_score_below_the_bound_is_not_accepted(tmp_path, ask_export):
    scores = np.sort(ask_export["serving_default"](image_bytes=tf.constant(FILES))["score"])
    bound = float(scores[1] + scores[2]) / 2
    functions = save(tmp_path, make_export_spec(abstain_below=bound)).signatures
    for answer in (
        functions["serving_default"](image_bytes=tf.constant(FILES)),
        functions["image_tensor"](images=tf.constant(PIXELS)),
    ):
        assert answer["accepted"].dtype == tf.bool
        assert np.sum(answer["accepted"]) == len(FILES) - 2
        np.testing.assert_array_equal(answer["accepted"], answer["score"].numpy() >= bound)


def test_a_score_of_just_the_bound_is_accepted():
    """Two classes share the probability, so that the score is 0.5 to the bit."""
    spec = make_export_spec(abstain_below=0.5)
    logits = spec.model.get_layer("logits")
    logits.set_weights([0 * logits.kernel.numpy(), np.array([0, 0, -1000], np.float32)])
    _, functions = signatures.build_module(spec)
    answer = functions["image_tensor"](images=tf.constant(PIXELS))
    assert set(answer["score"].numpy().tolist()) == {0.5}
    assert answer["accepted"].numpy().all()


def test_without_a_bound_there_is_no_such_output(ask_export):
    assert "accepted" not in ask_export["serving_default"](image_bytes=tf.constant(FILES))
