"""Features of examples: the frozen part as a function, and what it gives for clean views."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer.data import input_pipeline
from keras_transfer.data.examples import Examples
from keras_transfer.feature_bank.store import Store
from keras_transfer.model import cut, precision
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import TrainConfig

COMPUTE_BATCH = 32  # views: a CPU's rate hardly rises beyond it (VGG16, bfloat16: 71, 76, 79 a second at 8, 16, 32)


def make_frozen_function(
    classifier: Classifier, cuts: Sequence[str], precision_name: str, *, dtype: tf.DType = tf.float16
) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """The frozen part as a function of images.

    Args:
      classifier: its variables are shared.
      cuts: layers whose outputs are wanted.
      precision_name: float32, bfloat16 or float16: the arithmetic.
      dtype: of the result.

    Returns:
      A function from float32 images (batch, side, side, 3) in [0, 255] to the activations of each cut. What is too
      large for `dtype` is infinite.
    """
    frozen = cut.frozen_part(classifier.model, list(cuts))

    def run(images: tf.Tensor) -> list[tf.Tensor]:
        return [tf.cast(output, dtype) for output in tf.nest.flatten(frozen(images, training=False))]

    with precision.computing_in(frozen, precision_name):
        traced: Callable[[tf.Tensor], list[tf.Tensor]] = tf.function(
            run, input_signature=[tf.TensorSpec((None, *frozen.input_shape[1:]))], autograph=False
        ).get_concrete_function()
    return traced


def clean(
    classifier: Classifier, examples: Examples, *, bank: Store | None, config: TrainConfig
) -> NDArray[np.float32]:
    """The features of each example's clean view: from the bank what it has, the others computed and not stored.

    Args:
      classifier: its base as it was loaded.
      examples: read.
      bank: whose cut and arithmetic count; None for the head's cut in float32.
      config: image settings.

    Returns:
      float32, shape (examples, *record_shape).

    Raises:
      UserError: a file that changed or went since it was read, or a bank that was removed.
    """
    cut_name, arithmetic = classifier.head_cut, "float32"
    missing = np.ones(len(examples), np.bool_)
    if bank is not None:
        cut_name, arithmetic = bank.recipe.cut, bank.recipe.precision
        missing = bank.missing(examples.sha256, [0] * len(examples))
    result = np.empty((len(examples), *cut.record_shape(classifier.model, cut_name)), np.float32)
    if bank is not None and not missing.all():
        digests = [examples.sha256[index] for index in np.flatnonzero(~missing)]
        result[~missing] = bank.read(digests, [0] * len(digests))
    if missing.any():
        compute = make_frozen_function(classifier, [cut_name], arithmetic, dtype=tf.float32)
        batches = input_pipeline.clean_batches(
            examples.select(np.flatnonzero(missing)),
            image=config.image,
            max_pixels=config.source.max_image_pixels,
            batch_size=COMPUTE_BATCH,
        )
        with input_pipeline.as_user_errors():
            result[missing] = np.concatenate([compute(images)[0].numpy() for images, _ in batches])
    return result
