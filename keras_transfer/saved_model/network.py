"""The classifier as one traced function, in the precision and the batches of serving. Every signature calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_transfer.model import cut, graph, precision
from keras_transfer.settings.config import ServingConfig

# One batch computes while the next is put together.
_BATCH_THREADS = 2
# Requests that find this many batches waiting are answered UNAVAILABLE at once, which tells a client to come back, and
# bounds memory. One request may hold a quarter of them, so that it leaves room for others; a larger one is refused.
_MAX_ENQUEUED_BATCHES = 64
_MAX_BATCHES_OF_A_REQUEST = _MAX_ENQUEUED_BATCHES // 4


def parts(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """The classifier up to its pooled features, and what stands on them; they share its layers and variables.

    Args:
      model: float32 images in [0, 255] -> probabilities.
    """
    features = graph.find(model, cut.valid_cuts(model)[-1]).output
    return keras.Model(model.inputs[0], features, name="base"), keras.Model(features, model.output, name="head")


def trace(model: keras.Model, serving: ServingConfig) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """Traces the classifier once; the head computes in float32 whatever the precision of the base.

    Args:
      model: float32 images in [0, 255] -> probabilities.
      serving: precision and batching.

    Returns:
      A function from float32 images, shape (batch, side, side, 3), to the embedding, float32, shape (batch, features),
      and the probabilities, float32, shape (batch, classes).
    """
    base, head = parts(model)

    def compute(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        embedding = tf.cast(base(images, training=False), tf.float32)
        return embedding, head(embedding, training=False)

    gathered = _in_batches(compute, serving) if serving.serving_batch_size else compute

    @tf.function(input_signature=[tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32)], autograph=False)
    def network(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        embedding, probabilities = gathered(images)
        # A batched function forgets them.
        embedding.set_shape((None, base.output.shape[1]))
        probabilities.set_shape((None, model.output.shape[1]))
        return embedding, probabilities

    with precision.computing_in(base, serving.serving_precision):
        return network.get_concrete_function()  # type: ignore[no-any-return]


def batch_sizes(serving: ServingConfig) -> tuple[int, ...]:
    """The sizes that batches are filled up to: powers of two, and the largest. Few, so that each can be warmed up."""
    largest = serving.serving_batch_size
    return (*(2**power for power in range(largest.bit_length()) if 2**power < largest), largest)


def _in_batches(compute: Callable[..., Any], serving: ServingConfig) -> Callable[..., Any]:
    gather = tf.nondifferentiable_batch_function(
        num_batch_threads=_BATCH_THREADS,
        max_batch_size=serving.serving_batch_size * _MAX_BATCHES_OF_A_REQUEST,
        batch_timeout_micros=serving.serving_batch_timeout_microseconds,
        allowed_batch_sizes=list(batch_sizes(serving)),
        max_enqueued_batches=_MAX_ENQUEUED_BATCHES,
        autograph=False,
        enable_large_batch_splitting=True,
    )
    return gather(compute)  # type: ignore[no-any-return]
