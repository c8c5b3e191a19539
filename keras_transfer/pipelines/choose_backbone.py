"""Which of several backbones a run takes: each one's head is chosen on the clean views of a sample."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
from numpy.typing import NDArray
from scipy import special

from keras_transfer import terminal
from keras_transfer.errors import UserError
from keras_transfer.feature_bank import filling
from keras_transfer.model import cut
from keras_transfer.pipelines import choose, prepare
from keras_transfer.pipelines.prepare import Photos, Stopwatch
from keras_transfer.settings import choosing
from keras_transfer.settings.config import TrainConfig
from keras_transfer.training import backbone_trials, choice
from keras_transfer.training.backbone_trials import BackboneTrial

SAMPLE_IMAGES = 500  # more take minutes for each backbone and seldom change which is best


def choose_backbone(config: TrainConfig, photos: Photos) -> tuple[TrainConfig, tuple[BackboneTrial, ...]]:
    """Tries several backbones and takes one, see `backbone_trials`; what is computed stays in the feature banks.

    Args:
      config: with several backbones.
      photos: read and split.

    Returns:
      The configuration with one backbone, and what was tried, in the order that was given.

    Raises:
      UserError: the head can't be chosen, see `choosing.obstacle`, or a fault of a file.
    """
    ways = choosing.one_by_one(config)
    tried = [_try(way, photos) for way in ways]
    taken = backbone_trials.cheapest_of_the_best([trial for trial, _ in tried], [losses for _, losses in tried])
    trials = tuple(dataclasses.replace(trial, is_taken=place == taken) for place, (trial, _) in enumerate(tried))
    terminal.table(
        [
            (
                f"{trial.backbone}{' (taken)' if trial.is_taken else ''}",
                f"log loss {trial.log_loss:.4f} ± {trial.log_loss_error:.4f}, accuracy {trial.accuracy:.4f}, "
                f"{trial.multiply_accumulates / 1e9:.2f} GMAC an image, {trial.seconds:.0f} s",
            )
            for trial in trials
        ],
        title=f"Backbones on up to {SAMPLE_IMAGES} training images",
    )
    return ways[taken], trials


def _try(config: TrainConfig, photos: Photos) -> tuple[BackboneTrial, NDArray[np.float64]]:
    """A backbone, and the log loss of each image of the sample when it was held out."""
    started = time.perf_counter()
    alone = dataclasses.replace(config.training, fine_tune="off", fine_tune_epochs=0)
    config = dataclasses.replace(config, training=alone)
    with prepare.build(config, photos, Stopwatch(started)) as prepared:
        if prepared.no_choice:
            raise UserError(
                f"Several backbones can be tried only where the head is chosen, and it is not, because "
                f"{prepared.no_choice}. Give one --backbone."
            )
        train = prepared.examples.in_split("train")
        sampled = choose.sample(train, SAMPLE_IMAGES)
        train = train.select(sampled)
        missing = filling.find_missing_clean(prepared.plan.banks, train)
        filling.fill(prepared.classifier, prepared.plan.banks, missing, config=config)
        images = choose.training_images(prepared, train, prepared.groups_of_training[sampled], views=1)
        found = choice.choose(images, prepared.network.taps, seed=config.training.seed)
        work = cut.multiply_accumulates(cut.frozen_part(prepared.network.model, [prepared.network.head_cut]))
    if not found.folds:
        raise UserError("There are too few training images to try several backbones on. Give one --backbone.")
    losses = -special.log_softmax(found.logits, axis=1)[np.arange(len(found.label_ids)), found.label_ids]
    best, seconds = found.averaged, time.perf_counter() - started
    return BackboneTrial(
        config.model.backbone, best.log_loss, best.log_loss_error, best.accuracy, work, seconds
    ), np.asarray(losses)
