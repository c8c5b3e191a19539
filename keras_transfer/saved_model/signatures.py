"""What an export answers: the graphs from a request to labels and scores, around one network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from keras_transfer.images import resizing
from keras_transfer.saved_model import network as networks
from keras_transfer.settings.config import ImageConfig, ServingConfig

EXAMPLE_FEATURE = "image/encoded"  # where TensorFlow's own image records have the bytes of a file
_TOP_COUNT = 5  # the customary number of best guesses; fewer where there are fewer classes


@dataclass(frozen=True, kw_only=True)
class ExportSpec:
    """All that an export's answers are made from.

    Attributes:
      model: float32 images (batch, side, side, 3), RGB in [0, 255] -> probabilities (batch, classes).
      class_names: in the order of the label ids.
      image: side and resize mode that the model was trained with.
      max_pixels: larger images are refused before they are decoded.
      serving: precision, batching, and what score is accepted.
    """

    model: keras.Model
    class_names: tuple[str, ...]
    image: ImageConfig
    max_pixels: int
    serving: ServingConfig


def build_module(spec: ExportSpec) -> tuple[tf.Module, dict[str, Any]]:
    """The module to save and its signatures.

    `keras.Model.export` stores every weight twice (keras issue 23553), and its memory grows with it. This module
    holds the bare variables, each once; the model itself is only known to the traced functions.

    Returns:
      The module, and signature name -> concrete function: serving_default and embed, from `image_bytes`; image_tensor,
      from `images`; classify, from `inputs`, serialized tf.Examples with the bytes in `image/encoded`.
    """
    network = networks.trace(spec.model, spec.serving)
    decoded, names = _decoder(spec), tf.constant(spec.class_names)
    accept = _acceptance(spec.serving)

    # A server passes on tensors of any shape, so the specs promise none and the graph checks.
    @tf.function(input_signature=[tf.TensorSpec(None, tf.string, name="image_bytes")], autograph=False)
    def serving_default(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return accept(describe(network(decoded(_strings(image_bytes, "image_bytes")))[1], class_names=names))

    @tf.function(input_signature=[tf.TensorSpec(None, tf.uint8, name="images")], autograph=False)
    def image_tensor(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return accept(describe(network(_resized(_pixels(images), spec.image))[1], class_names=names))

    @tf.function(input_signature=[tf.TensorSpec(None, tf.string, name="inputs")], autograph=False)
    def classify(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        encoded = _files_of_examples(_strings(inputs, "inputs"))
        scores, label_ids = tf.math.top_k(network(decoded(encoded))[1], k=len(spec.class_names))
        return {"classes": tf.gather(names, label_ids), "scores": scores}

    @tf.function(input_signature=[tf.TensorSpec(None, tf.string, name="image_bytes")], autograph=False)
    def embed(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"embedding": network(decoded(_strings(image_bytes, "image_bytes")))[0]}

    functions = {"serving_default": serving_default, "image_tensor": image_tensor, "classify": classify, "embed": embed}
    return _module(spec.model, functions), {name: each.get_concrete_function() for name, each in functions.items()}


def _module(model: keras.Model, functions: Mapping[str, Any]) -> tf.Module:
    """A module that holds functions, and the variables that they use."""
    module = tf.Module(name="classifier")
    module.model_variables = [weight.value for weight in model.weights]
    for name, function in functions.items():
        setattr(module, name, function)
    return module


def describe(probabilities: tf.Tensor, *, class_names: tf.Tensor) -> dict[str, tf.Tensor]:
    """The named outputs of a prediction.

    Args:
      probabilities: float32, shape (batch, classes).
      class_names: string, shape (classes,).

    Returns:
      label (string, (batch,)), score (float32, (batch,)), top_labels (string, (batch, k)) and
      top_scores (float32, (batch, k)), best first, k at most 5, and probabilities.
    """
    scores, label_ids = tf.math.top_k(probabilities, k=min(_TOP_COUNT, class_names.shape[0]))
    labels = tf.gather(class_names, label_ids)
    return {
        "label": tf.identity(labels[:, 0], name="label"),
        "score": tf.identity(scores[:, 0], name="score"),
        "top_labels": tf.identity(labels, name="top_labels"),
        "top_scores": tf.identity(scores, name="top_scores"),
        "probabilities": tf.identity(probabilities, name="probabilities"),
    }


def _acceptance(serving: ServingConfig) -> Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]:
    """Adds `accepted`, bool, shape (batch,), to a prediction's outputs, where a least score is set."""

    def accept(outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {**outputs, "accepted": tf.identity(outputs["score"] >= serving.abstain_below, name="accepted")}

    return accept if serving.abstain_below else dict


def _decoder(spec: ExportSpec) -> Callable[[tf.Tensor], tf.Tensor]:
    """Encoded images, string, shape (batch,) -> float32, shape (batch, side, side, 3); traced once for all."""
    side = spec.image.image_size

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string)], autograph=False)
    def decoded(encoded: tf.Tensor) -> tf.Tensor:
        return tf.map_fn(
            lambda each: resizing.clean_view(each, image=spec.image, max_pixels=spec.max_pixels),
            encoded,
            fn_output_signature=tf.TensorSpec((side, side, 3), tf.float32),
        )

    return decoded.get_concrete_function()  # type: ignore[no-any-return]


def _files_of_examples(serialized: tf.Tensor) -> tf.Tensor:
    feature = tf.io.FixedLenFeature((), tf.string)
    return tf.io.parse_example(serialized, {EXAMPLE_FEATURE: feature})[EXAMPLE_FEATURE]


def _resized(images: tf.Tensor, image: ImageConfig) -> tf.Tensor:
    side = image.image_size
    return tf.map_fn(
        lambda each: resizing.resize(each, image=image),
        images,
        fn_output_signature=tf.TensorSpec((side, side, 3), tf.float32),
    )


def _strings(tensor: tf.Tensor, name: str) -> tf.Tensor:
    shape = tf.shape(tensor)
    is_right = tf.equal(tf.size(shape), 1) & tf.reduce_all(shape > 0)
    return _checked(tensor, is_right, (None,), f"{name} must have the shape (batch,) with a batch of at least 1.")


def _pixels(images: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(images)
    is_right = tf.equal(tf.size(shape), 4) & tf.reduce_all(shape > 0) & tf.reduce_all(tf.equal(shape[-1:], 3))
    message = "images must have the shape (batch, height, width, 3) with a batch, height and width of at least 1."
    return _checked(images, is_right, (None, None, None, 3), message)


def _checked(tensor: tf.Tensor, is_right: tf.Tensor, shape: tuple[int | None, ...], message: str) -> tf.Tensor:
    with tf.control_dependencies([tf.debugging.Assert(is_right, [message, "Received the shape:", tf.shape(tensor)])]):
        checked = tf.identity(tensor)
    checked.set_shape(shape)
    return checked
