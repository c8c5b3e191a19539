"""The commands as Python functions, and what they give. `import keras_transfer as kt` offers all that is public here.

Importing it loads no TensorFlow. Plans, tables and progress bars are printed, as by the commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_transfer import terminal
from keras_transfer.api.commands import evaluate, export, inspect_data, load, predict, train
from keras_transfer.api.loaded import Classifier, Prediction
from keras_transfer.api.results import Evaluation, Inspection, Page, Run
from keras_transfer.errors import ConfigError, UserError

if TYPE_CHECKING:
    from keras_transfer.feature_bank.image_features import FeatureBank

__all__ = [
    "Classifier",
    "ConfigError",
    "Evaluation",
    "FeatureBank",
    "Inspection",
    "Page",
    "Prediction",
    "Run",
    "UserError",
    "evaluate",
    "export",
    "inspect_data",
    "load",
    "predict",
    "train",
]


def __getattr__(name: str) -> Any:
    if name != "FeatureBank":  # the only thing here that needs TensorFlow as soon as it is named
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    terminal.import_tensorflow_quietly()
    from keras_transfer.feature_bank.image_features import FeatureBank

    return FeatureBank
