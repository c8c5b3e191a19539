"""Whether a chosen head is fine-tuned: asked of the settings, of the number of photos, and of what there is to gain."""

from __future__ import annotations

from keras_transfer.settings.config import TrainingConfig
from keras_transfer.training.choice import Choice

LEAST_TRAINING_IMAGES = 1_000
LEAST_VALIDATION_IMAGES = 100
LEAST_WRONG_IMAGES = 5


def obstacle(training: TrainingConfig, *, training_images: int, validation_images: int) -> str:
    """Why a chosen head is not fine-tuned, as far as that is known before the photos are read.

    Returns:
      What completes "because"; "" where it is.
    """
    if training.fine_tune_epochs or training.fine_tune == "on":
        return ""
    if training.fine_tune == "off":
        return "of --fine_tune=off"
    if training_images < LEAST_TRAINING_IMAGES:
        return (
            f"{training_images:,} training images are fewer than {LEAST_TRAINING_IMAGES:,}, and with so few it seldom "
            "pays for its time (--fine_tune=on tries it)"
        )
    if validation_images < LEAST_VALIDATION_IMAGES:
        return (
            f"{validation_images:,} validation images cannot tell whether it helps; it takes {LEAST_VALIDATION_IMAGES}"
        )
    return ""


def later_obstacle(training: TrainingConfig, choice: Choice, *, validation_images: int) -> str:
    """Why a chosen head is not fine-tuned, now that its accuracy is known; see `obstacle`."""
    if training.fine_tune_epochs or training.fine_tune != "auto" or not choice.folds:
        return ""
    wrong = (1 - choice.averaged.accuracy) * validation_images
    if wrong >= LEAST_WRONG_IMAGES:
        return ""
    return (
        f"the chosen head would get about {wrong:.0f} of the {validation_images:,} validation images wrong: too few to "
        "tell whether it helps"
    )
