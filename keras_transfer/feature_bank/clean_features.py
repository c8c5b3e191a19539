"""The clean features of examples before anything is trained: from the feature bank where it has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer.data import input_pipeline
from keras_transfer.data.examples import Examples
from keras_transfer.feature_bank.filling import COMPUTE_BATCH
from keras_transfer.feature_bank.store import FeatureBank
from keras_transfer.model import cut, precision
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import TrainConfig


def collect(
    classifier: Classifier, examples: Examples, *, bank: FeatureBank | None, config: TrainConfig, precision_name: str
) -> NDArray[np.float32]:
    """The features that the head stands on, of each example's clean view.

    What the bank lacks, such as the test split, is computed by the same frozen part in the same arithmetic, and not
    stored.

    Args:
      classifier: its base as it was loaded.
      examples: read.
      bank: of the head's cut, or None to compute everything.
      config: image settings.
      precision_name: float32, bfloat16 or float16.

    Returns:
      float32, shape (examples, features).

    Raises:
      UserError: a file that changed or went since it was read.
    """
    result = np.empty((len(examples), *cut.record_shape(classifier.model, classifier.head_cut)), np.float32)
    missing = [place for place, digest in enumerate(examples.sha256) if bank is None or bank.missing_views(digest, [0])]
    stored = np.setdiff1d(np.arange(len(examples)), missing)
    if bank is not None and len(stored):
        result[stored] = bank.read([examples.sha256[place] for place in stored], [0] * len(stored))
    if missing:
        result[missing] = _compute(classifier, examples.select(missing), config=config, precision_name=precision_name)
    return result


def _compute(
    classifier: Classifier, examples: Examples, *, config: TrainConfig, precision_name: str
) -> NDArray[np.float32]:
    compute = _frozen_function(classifier, precision_name)
    batches = input_pipeline.clean_batches(
        examples, image=config.image, max_pixels=config.source.max_image_pixels, batch_size=COMPUTE_BATCH
    )
    with input_pipeline.as_user_errors():
        return np.concatenate([np.asarray(compute(images)) for images, _ in batches])


def _frozen_function(classifier: Classifier, precision_name: str) -> Callable[[tf.Tensor], Any]:
    frozen = cut.frozen_part(classifier.model, [classifier.head_cut])

    def run(images: tf.Tensor) -> tf.Tensor:
        return tf.cast(frozen(images, training=False), tf.float32)

    with precision.computing_in(frozen, precision_name):
        traced: Callable[[tf.Tensor], Any] = tf.function(
            run, input_signature=[tf.TensorSpec((None, *frozen.input_shape[1:]))], autograph=False
        ).get_concrete_function()
    return traced
