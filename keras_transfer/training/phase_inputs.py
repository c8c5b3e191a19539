"""What a phase is fed with: the images themselves, or the feature bank."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_transfer.data import input_pipeline
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.feature_bank.store import Store
from keras_transfer.model import cut
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import TrainConfig
from keras_transfer.training.view_schedule import ViewSchedule


@dataclass(frozen=True)
class PhaseInputs:
    """What a phase is fed with.

    Attributes:
      model: from what `training` yields to logits; shares the classifier's variables.
      training: all epochs after one another, batches of (model input, int32 label ids).
      validation: the validation examples once, in order, likewise.
      steps_per_epoch: batches of an epoch; the last one may be smaller.
      clean_features: gives float batches of the activations at the phase's cut: the clean view of every training
        example once.
      training_after: gives `training` without its first batches, which it does not read; None where reading them costs
        nothing.
    """

    model: keras.Model
    training: tf.data.Dataset
    validation: tf.data.Dataset
    steps_per_epoch: int
    clean_features: Callable[[], Iterator[NDArray[np.floating]]]
    training_after: Callable[[int], tf.data.Dataset] | None = None

    def training_from(self, batch: int) -> tf.data.Dataset:
        """What `training` yields from a batch on, counted over all epochs."""
        return (self.training_after or self.training.skip)(batch) if batch else self.training


def from_images(
    classifier: Classifier, phase_cut: str, examples: Examples, *, config: TrainConfig, epochs: int
) -> PhaseInputs:
    """Inputs that run the whole network on the images in every epoch: the reference for the bank.

    Args:
      classifier: the whole of it is run.
      phase_cut: of the phase.
      examples: read and split.
      config: batch size, image, views and seed.
      epochs: of the phase.
    """
    train = examples.in_split("train")
    image, max_pixels, batch_size = config.image, config.source.max_image_pixels, config.training.batch_size
    schedule, steps_per_epoch = schedule_of(train, config), -(-len(train) // batch_size)

    def training_after(batch: int) -> tf.data.Dataset:
        first, done = divmod(batch, steps_per_epoch)

        def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
            skipped = tf.where(epoch == first, tf.constant(done * batch_size, tf.int64), tf.constant(0, tf.int64))
            chosen = schedule.dataset(epoch).skip(skipped)
            images = input_pipeline.chosen_views(
                train, chosen, image=image, views=config.views, max_pixels=max_pixels, seed=config.training.seed
            )
            return images.batch(batch_size)

        return tf.data.Dataset.range(first, epochs).flat_map(one_epoch).prefetch(tf.data.AUTOTUNE)

    def clean(part: Examples) -> tf.data.Dataset:
        return input_pipeline.clean_batches(part, image=image, max_pixels=max_pixels, batch_size=batch_size)

    def clean_features() -> Iterator[NDArray[np.floating]]:
        frozen = cut.frozen_part(classifier.model, [phase_cut])
        return (np.asarray(frozen(images, training=False)) for images, _ in clean(train))

    return PhaseInputs(
        model=cut.whole_to_logits(classifier.model),
        training=training_after(0),
        validation=clean(examples.in_split("validation")),
        steps_per_epoch=steps_per_epoch,
        clean_features=clean_features,
        training_after=training_after,
    )


@dataclass(frozen=True)
class Stored:
    """Where the inputs of a phase are stored.

    Attributes:
      bank: of the phase's cut, or of all features where the head stands on some of them.
      columns: of its records that are wanted; None for all.
      taps: of the pooled features below the cut that the head stands on too: their bank, and the columns of each.
    """

    bank: Store
    columns: NDArray[np.int64] | None = None
    taps: tuple[Store, Sequence[NDArray[np.int64]]] | None = None

    def read(self, sha256: Sequence[str], views: Sequence[int]) -> list[NDArray[np.float16]]:
        """The inputs of the trainable part for images and views; see `Store.read`."""
        records = self.bank.read(sha256, views)
        found = [records if self.columns is None else records[:, self.columns]]
        if self.taps is not None:
            bank, columns = self.taps
            features = bank.read(sha256, views)
            found += [features[:, own] for own in columns]
        return found

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of one image's inputs."""
        own = self.bank.recipe.record_shape if self.columns is None else (len(self.columns),)
        return [own] if self.taps is None else [own, *((len(columns),) for columns in self.taps[1])]


def from_bank(
    classifier: Classifier, phase_cut: str, stored: Stored, examples: Examples, *, config: TrainConfig, epochs: int
) -> PhaseInputs:
    """Inputs that run only the trainable part, on stored activations.

    Args:
      classifier: what lies above the cut is run.
      phase_cut: of the phase.
      stored: filled for these examples.
      examples: read and split.
      config: batch size and seed.
      epochs: of the phase.
    """
    shapes = stored.shapes
    part = cut.trainable_part(classifier.model, phase_cut)
    train, validation = examples.in_split("train"), examples.in_split("validation")
    batch_size, schedule = config.training.batch_size, schedule_of(train, config)

    def features_of(split: Examples) -> Callable[..., tuple[Any, tf.Tensor]]:
        label_ids = tf.constant(split.label_ids)

        def read(indices: NDArray[np.int64], views: NDArray[np.int64]) -> list[NDArray[np.float16]]:
            try:
                return stored.read([split.sha256[index] for index in indices], views.tolist())
            except UserError as error:
                raise input_pipeline.InputError(str(error)) from error

        def features(indices: tf.Tensor, views: tf.Tensor) -> tuple[Any, tf.Tensor]:
            records = tf.numpy_function(read, [indices, views], [tf.float16] * len(shapes))
            found = tuple(
                tf.cast(tf.ensure_shape(record, (None, *shape)), tf.float32)
                for record, shape in zip(records, shapes, strict=True)
            )
            return found if len(found) > 1 else found[0], tf.gather(label_ids, indices)

        return features

    def clean_features() -> Iterator[NDArray[np.floating]]:
        starts = range(0, len(train), batch_size)
        batches = (train.sha256[start : start + batch_size] for start in starts)
        return (stored.read(digests, [0] * len(digests))[0] for digests in batches)

    clean = tf.data.Dataset.range(len(validation)).map(lambda index: (index, tf.zeros((), tf.int64)))
    chosen = tf.data.Dataset.range(epochs).flat_map(lambda epoch: schedule.dataset(epoch).batch(batch_size))

    def training_after(batch: int) -> tf.data.Dataset:
        return chosen.skip(batch).map(features_of(train)).prefetch(tf.data.AUTOTUNE)

    return PhaseInputs(
        model=part,
        training=training_after(0),
        validation=clean.batch(batch_size).map(features_of(validation)).prefetch(tf.data.AUTOTUNE),
        steps_per_epoch=-(-len(train) // batch_size),
        clean_features=clean_features,
        training_after=training_after,
    )


def schedule_of(train: Examples, config: TrainConfig) -> ViewSchedule:
    """The order of views that a configuration asks for, the same with the bank and without it."""
    return ViewSchedule(len(train), config.views.augmented_views + 1, config.training.seed)
