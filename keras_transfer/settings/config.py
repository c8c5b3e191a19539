"""The configuration of every command, checked as a whole: all faults are reported together.

Stdlib only, no files, no TensorFlow: a wrong value is answered before anything slow is imported. `settings` and
`command_settings` hold the fields; `command_line` makes the flags from them, so a flag's help is the field's own
documentation.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from keras_transfer.errors import ConfigError
from keras_transfer.settings import relations
from keras_transfer.settings.checks import nearest, value_faults
from keras_transfer.settings.command_settings import (
    EvaluateSettings,
    ExportSettings,
    InspectSettings,
    PredictSettings,
)
from keras_transfer.settings.export_settings import OutputConfig, PublishingConfig, ServingConfig
from keras_transfer.settings.flag_advice import advise
from keras_transfer.settings.train_settings import (
    DRAWN_VEHICLES,
    SOURCES,
    SPLITS,
    ImageConfig,
    ModelConfig,
    SourceConfig,
    SplitConfig,
    TrainingConfig,
    ViewsConfig,
)

# Other modules import settings from here, so that they need not know how these files are divided.
__all__ = [
    "DRAWN_VEHICLES",
    "SOURCES",
    "SPLITS",
    "EvaluateConfig",
    "EvaluateSettings",
    "ExportConfig",
    "ExportSettings",
    "ImageConfig",
    "InspectConfig",
    "InspectSettings",
    "ModelConfig",
    "OutputConfig",
    "PredictConfig",
    "PredictSettings",
    "PublishingConfig",
    "ServingConfig",
    "SourceConfig",
    "SplitConfig",
    "TrainConfig",
    "TrainingConfig",
    "ViewsConfig",
    "advise",
    "from_flat",
    "groups_of",
    "helps_of",
    "nearest",
    "settings_of",
    "to_flat",
]


Config = TypeVar("Config")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """keras-transfer train: labelled images -> a trained classifier, its export and report.

    Example: keras-transfer train --image_dir=photos --backbone=mobilenetv2 --allow_download
    """

    source: SourceConfig = field(default_factory=SourceConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    image: ImageConfig = field(default_factory=ImageConfig)
    views: ViewsConfig = field(default_factory=ViewsConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    serving: ServingConfig = field(default_factory=ServingConfig)
    publishing: PublishingConfig = field(default_factory=PublishingConfig)
    output: OutputConfig = field(default_factory=OutputConfig)

    def __post_init__(self) -> None:
        _check(
            self,
            _ONE_SOURCE,
            (("validation_fraction", "test_fraction"), relations.fraction_faults),
            (("backbone", "image_size"), relations.image_size_faults),
            (("backbone", "weights"), relations.weights_faults),
            (("head_epochs", "fine_tune_epochs", "warmup_epochs"), relations.warmup_faults),
            (("fine_tune", "fine_tune_epochs"), relations.fine_tune_faults),
            (("refuse_worse", "compare_export_dir"), relations.comparison_faults),
            (("model_name",), relations.model_name_faults),
        )


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """keras-transfer evaluate: an export and labelled images -> metrics and a report.

    Example: keras-transfer evaluate --export_dir=runs/x/export/classifier/1 --image_dir=new_photos
    """

    source: SourceConfig = field(default_factory=SourceConfig)
    settings: EvaluateSettings = field(default_factory=EvaluateSettings)

    def __post_init__(self) -> None:
        _check(self, _ONE_SOURCE, _needs("export_dir", "give the version folder of an export"))


@dataclass(frozen=True, kw_only=True)
class PredictConfig:
    """keras-transfer predict: an export and images -> a CSV of labels and scores.

    Example: keras-transfer predict --export_dir=runs/x/export/classifier/1 --images=new_photos --output=predictions.csv
    """

    settings: PredictSettings = field(default_factory=PredictSettings)

    def __post_init__(self) -> None:
        _check(
            self,
            _needs("export_dir", "give the version folder of an export"),
            _needs("images", "give a folder of images, or one image file"),
            _needs("output", "give the path of a CSV file"),
        )


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """keras-transfer export: a run directory -> a new SavedModel version.

    Example: keras-transfer export --run_dir=runs/x
    """

    settings: ExportSettings = field(default_factory=ExportSettings)
    serving: ServingConfig = field(default_factory=ServingConfig)
    publishing: PublishingConfig = field(default_factory=PublishingConfig)

    def __post_init__(self) -> None:
        _check(
            self,
            _needs("run_dir", "give the directory of a finished run"),
            (("model_name",), lambda name: relations.model_name_faults(name) if name else []),
        )


@dataclass(frozen=True, kw_only=True)
class InspectConfig:
    """keras-transfer inspect_data: images -> what is wrong with them.

    Example: keras-transfer inspect_data --image_dir=photos --output=inspection
    """

    source: SourceConfig = field(default_factory=SourceConfig)
    image: ImageConfig = field(default_factory=ImageConfig)
    settings: InspectSettings = field(default_factory=InspectSettings)

    def __post_init__(self) -> None:
        _check(
            self,
            _ONE_SOURCE,
            _needs("output", "give a folder"),
            (("run_dir", "backbone"), relations.network_of_run_faults),
        )


# Evaluating annotations takes a while, and every setting asks for them.
_types_of = functools.cache(typing.get_type_hints)


def groups_of(config_class: Any) -> dict[str, type[Any]]:
    """Theme name -> dataclass of settings, for a command's config class, in order."""
    return _types_of(config_class)


def settings_of(group: Any) -> dict[str, tuple[dataclasses.Field[Any], Any]]:
    """Setting name -> (dataclass field, type), for one group of settings, in order."""
    types = _types_of(group)
    return {item.name: (item, types[item.name]) for item in dataclasses.fields(group)}


def helps_of(config_class: type[Any]) -> dict[str, str]:
    """Setting name -> its documentation, for a command's config class, in order."""
    return {
        name: item.metadata["help"]
        for group in groups_of(config_class).values()
        for name, (item, _) in settings_of(group).items()
    }


def to_flat(config: Any) -> dict[str, Any]:
    """A command's config as one mapping from setting name to value (what config.json holds)."""
    flat: dict[str, Any] = {}
    for theme in groups_of(type(config)):
        flat.update(dataclasses.asdict(getattr(config, theme)))
    return flat


def from_flat(config_class: type[Config], values: Mapping[str, Any]) -> Config:
    """The inverse of `to_flat`; settings that are not named keep their defaults.

    Raises:
      ConfigError: an unknown name (with the nearest known one), or any other fault.
    """
    groups, known = groups_of(config_class), helps_of(config_class)
    _refuse([f"There is no setting {name!r}{advise(name, known)}" for name in values if name not in known])
    built = {}
    for theme, group in groups.items():
        own = {name: _as_setting(values[name]) for name in settings_of(group) if name in values}
        built[theme] = group(**own)
    return config_class(**built)


def _refuse(faults: list[str]) -> None:
    if faults:
        raise ConfigError(faults)


def _as_setting(value: Any) -> Any:
    """As fields hold it: JSON knows lists only, and Python's users give paths."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return tuple(value) if isinstance(value, list) else value


# Names of settings, and what is wrong with their values together. It is asked only where each value by itself is right.
_Relation = tuple[tuple[str, ...], Callable[..., list[str]]]


def _check(config: Any, *together: _Relation) -> None:
    """Refuses a command's config with all that is wrong with its values, each by itself and together."""
    faults: list[str] = []
    sound: dict[str, Any] = {}
    for theme, group in groups_of(type(config)).items():
        for name, (item, kind) in settings_of(group).items():
            value = getattr(getattr(config, theme), name)
            own = value_faults(name, value, kind, item.metadata)
            faults += own
            if not own:
                sound[name] = value
    for names, check in together:
        if all(name in sound for name in names):
            faults += check(*(sound[name] for name in names))
    _refuse(faults)


def _needs(name: str, advice: str) -> _Relation:
    return (name,), lambda value: [] if value else [f"--{name} is missing: {advice}."]


_ONE_SOURCE: _Relation = (SOURCES, relations.source_faults)
