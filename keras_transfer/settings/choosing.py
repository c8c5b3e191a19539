"""Whether the head is chosen by cross-validation, or trained by given settings."""

from __future__ import annotations

import dataclasses

from keras_transfer.settings.backbones import BACKBONES
from keras_transfer.settings.config import TrainConfig, settings_of, to_flat
from keras_transfer.settings.train_settings import ModelConfig, TrainingConfig

# Settings of a head that is trained: whoever gives one of them wants that recipe.
_OF_THE_HEAD = frozenset(
    {
        *("feature_layers", "pooling", "standardize_features", "head_units", "dropout", "l2"),
        *("head_epochs", "head_learning_rate"),
    }
)
# Those that both phases share: with a fine-tune phase they may be meant for it alone.
_OF_BOTH_PHASES = frozenset(
    {
        *("optimizer", "momentum", "weight_decay", "learning_rate_schedule", "warmup_epochs"),
        *("step_epochs", "step_factor", "keep_best", "early_stopping_patience"),
    }
)
# With more classes a linear head has so many weights that trying a hundred of them takes hours.
MOST_CLASSES = 100


def all_features(model: ModelConfig) -> ModelConfig:
    """The settings of a network whose head stands on the features of all candidates: what the bank stores."""
    taps = BACKBONES[model.backbone].taps
    return dataclasses.replace(model, feature_layers=taps, pooling=("avg", "max"), head_units=(), dropout=0.0)


def one_by_one(config: TrainConfig) -> list[TrainConfig]:
    """The same run with each of its backbones alone: one for most runs, several where --backbone names several."""
    backbones, weights = config.model.backbone.split(","), config.model.weights.split(",")
    if len(backbones) == 1:
        return [config]
    each = weights if len(weights) == len(backbones) else weights * len(backbones)
    return [
        dataclasses.replace(config, model=dataclasses.replace(config.model, backbone=backbone, weights=own))
        for backbone, own in zip(backbones, each, strict=True)
    ]


def obstacle(config: TrainConfig, class_count: int) -> str:
    """Why the head is not chosen.

    Args:
      config: of the run.
      class_count: at least 2.

    Returns:
      What completes "because"; "" where the head is chosen.
    """
    if config.training.choose == "off":
        return "of --choose=off"
    values = to_flat(config)
    defaults = {
        name: item.default for group in (ModelConfig, TrainingConfig) for name, (item, _) in settings_of(group).items()
    }
    is_fine_tuned = config.training.fine_tune == "on" or config.training.fine_tune_epochs > 0
    recipe = _OF_THE_HEAD if is_fine_tuned else _OF_THE_HEAD | _OF_BOTH_PHASES
    given = sorted(name for name in recipe if values[name] != defaults[name])
    if given:
        return f"its recipe is given ({', '.join(f'--{name}' for name in given)})"
    if config.training.feature_cache == "off":
        return "of --feature_cache=off"
    if class_count > MOST_CLASSES:
        return f"there are {class_count:,} classes, more than {MOST_CLASSES}"
    return ""
