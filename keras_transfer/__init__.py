"""Labelled photos -> a served classifier, by transfer learning with keras.applications.

    import keras_transfer as kt

    run = kt.train("photos", backbone="mobilenetv2")
    run.predict("new.jpg").label

`api` holds what is offered here; it is loaded when it is first used. See docs/api.md.
"""

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from keras_transfer.api import Classifier as Classifier
    from keras_transfer.api import ConfigError as ConfigError
    from keras_transfer.api import Evaluation as Evaluation
    from keras_transfer.api import FeatureBank as FeatureBank
    from keras_transfer.api import Inspection as Inspection
    from keras_transfer.api import Prediction as Prediction
    from keras_transfer.api import Run as Run
    from keras_transfer.api import UserError as UserError
    from keras_transfer.api import evaluate as evaluate
    from keras_transfer.api import export as export
    from keras_transfer.api import inspect_data as inspect_data
    from keras_transfer.api import load as load
    from keras_transfer.api import predict as predict
    from keras_transfer.api import train as train

_COMMANDS = ("evaluate", "export", "inspect_data", "predict", "train")  # functions here, and modules of the same name
_RESULTS = ("Classifier", "Evaluation", "Inspection", "Prediction", "Run")
__all__ = ["ConfigError", "FeatureBank", "UserError", "load", *_COMMANDS, *_RESULTS]  # noqa: PLE0604


class _Package(types.ModuleType):
    """A package that stays what it offers: Python would put the module `train` in the place of the function."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _COMMANDS and isinstance(value, types.ModuleType):
            return
        super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


sys.modules[__name__].__class__ = _Package
