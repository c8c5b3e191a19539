"""Whether the head is chosen by cross-validation, or trained by given settings."""

from __future__ import annotations

import dataclasses

from keras_transfer.settings.backbones import BACKBONES
from keras_transfer.settings.config import TrainConfig, settings_of, to_flat
from keras_transfer.settings.train_settings import ModelConfig, TrainingConfig

# Settings of a fixed recipe: whoever gives one of them wants that recipe.
_RECIPE = frozenset(
    {
        *("feature_layers", "pooling", "standardize_features", "head_units", "dropout", "l2"),
        *("optimizer", "momentum", "weight_decay", "head_epochs", "head_learning_rate", "learning_rate_schedule"),
        *("warmup_epochs", "step_epochs", "step_factor", "keep_best", "early_stopping_patience"),
    }
)
# With more classes a linear head has so many weights that trying a hundred of them takes hours.
MOST_CLASSES = 100


def all_features(model: ModelConfig) -> ModelConfig:
    """The settings of a network whose head stands on the features of all candidates: what the bank stores."""
    taps = BACKBONES[model.backbone].taps
    return dataclasses.replace(model, feature_layers=taps, pooling=("avg", "max"), head_units=(), dropout=0.0)


def obstacle(config: TrainConfig, class_count: int) -> str:
    """Why the head is not chosen, as the end of a sentence; "" where it is."""
    if config.training.choose == "off":
        return "of --choose=off"
    values = to_flat(config)
    defaults = {
        name: item.default for group in (ModelConfig, TrainingConfig) for name, (item, _) in settings_of(group).items()
    }
    of_fine_tuning = {"optimizer", "momentum", "weight_decay", "keep_best", "early_stopping_patience"}
    of_fine_tuning |= {"learning_rate_schedule", "warmup_epochs", "step_epochs", "step_factor"}
    ignored = of_fine_tuning if config.training.fine_tune_epochs else set()
    given = sorted(name for name in _RECIPE - ignored if values[name] != defaults[name])
    if given:
        return f"its recipe is given ({', '.join(f'--{name}' for name in given)})"
    if config.training.feature_cache == "off":
        return "of --feature_cache=off"
    if class_count > MOST_CLASSES:
        return f"there are {class_count:,} classes, more than {MOST_CLASSES}"
    return ""
