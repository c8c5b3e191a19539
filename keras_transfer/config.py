"""The configuration of every command, checked as a whole: all faults are reported together.

Stdlib only, no files, no TensorFlow: a wrong value is answered before anything slow is imported. `settings` and
`command_settings` hold the fields; `command_line` makes the flags from them, so a flag's help is the field's own
documentation.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from keras_transfer.command_settings import EvaluateSettings, ExportSettings, InspectSettings, PredictSettings
from keras_transfer.setting_checks import ConfigError, UserError, nearest, value_faults
from keras_transfer.settings import (
    BACKBONES,
    DRAWN_VEHICLES,
    SPLITS,
    ImageConfig,
    ModelConfig,
    OutputConfig,
    PublishingConfig,
    ServingConfig,
    SourceConfig,
    SplitConfig,
    TrainingConfig,
    ViewsConfig,
)

# Other modules import settings and errors from here, so that they need not know how these files are divided.
__all__ = [
    "BACKBONES",
    "DRAWN_VEHICLES",
    "SPLITS",
    "ConfigError",
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
    "UserError",
    "ViewsConfig",
    "from_flat",
    "groups_of",
    "nearest",
    "settings_of",
    "to_flat",
]

_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

Config = TypeVar("Config")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """python -m keras_transfer.train: labelled images -> a trained classifier, its export and report."""

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
        _refuse(
            _field_faults(self)
            + _source_faults(self.source)
            + _train_faults(self)
            + _model_name_faults(self.output.model_name)
        )


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """python -m keras_transfer.evaluate: an export and labelled images -> metrics and a report."""

    source: SourceConfig = field(default_factory=SourceConfig)
    settings: EvaluateSettings = field(default_factory=EvaluateSettings)

    def __post_init__(self) -> None:
        faults = _field_faults(self) + _source_faults(self.source)
        if not self.settings.export_dir:
            faults.append("--export_dir is missing: give the version folder of an export.")
        _refuse(faults)


@dataclass(frozen=True, kw_only=True)
class PredictConfig:
    """python -m keras_transfer.predict: an export and images -> a CSV of labels and scores."""

    settings: PredictSettings = field(default_factory=PredictSettings)

    def __post_init__(self) -> None:
        faults = _field_faults(self)
        for name in ("export_dir", "images", "output"):
            if not getattr(self.settings, name):
                faults.append(f"--{name} is missing.")
        _refuse(faults)


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
    """python -m keras_transfer.export: a run directory -> a new SavedModel version."""

    settings: ExportSettings = field(default_factory=ExportSettings)
    serving: ServingConfig = field(default_factory=ServingConfig)
    publishing: PublishingConfig = field(default_factory=PublishingConfig)

    def __post_init__(self) -> None:
        faults = _field_faults(self)
        if not self.settings.run_dir:
            faults.append("--run_dir is missing: give the directory of a finished run.")
        if self.settings.model_name:
            faults += _model_name_faults(self.settings.model_name)
        _refuse(faults)


@dataclass(frozen=True, kw_only=True)
class InspectConfig:
    """python -m keras_transfer.inspect_data: images -> what is wrong with them."""

    source: SourceConfig = field(default_factory=SourceConfig)
    image: ImageConfig = field(default_factory=ImageConfig)
    settings: InspectSettings = field(default_factory=InspectSettings)

    def __post_init__(self) -> None:
        faults = _field_faults(self) + _source_faults(self.source)
        if not self.settings.output:
            faults.append("--output is missing: give a folder.")
        if self.settings.run_dir and self.settings.backbone != "none":
            faults.append("--run_dir brings its own network: leave --backbone out, or --run_dir.")
        _refuse(faults)


def groups_of(config_class: type[Any]) -> dict[str, type[Any]]:
    """Theme name -> dataclass of settings, for a command's config class, in order."""
    return typing.get_type_hints(config_class)


def settings_of(group: type[Any]) -> dict[str, tuple[dataclasses.Field[Any], Any]]:
    """Setting name -> (dataclass field, type), for one group of settings, in order."""
    types = typing.get_type_hints(group)
    return {item.name: (item, types[item.name]) for item in dataclasses.fields(group)}


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
    groups = groups_of(config_class)
    known = [name for group in groups.values() for name in settings_of(group)]
    unknown = [name for name in values if name not in known]
    _refuse([f"There is no setting {name!r}.{nearest(name, known)}" for name in unknown])
    built = {}
    for theme, group in groups.items():
        own = {name: _tuple_if_list(values[name]) for name in settings_of(group) if name in values}
        built[theme] = group(**own)
    return config_class(**built)


def _refuse(faults: list[str]) -> None:
    if faults:
        raise ConfigError(faults)


def _tuple_if_list(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _field_faults(config: Any) -> list[str]:
    faults = []
    for theme, group in groups_of(type(config)).items():
        values = getattr(config, theme)
        for name, (item, kind) in settings_of(group).items():
            faults += value_faults(name, getattr(values, name), kind, item.metadata)
    return faults


def _source_faults(source: SourceConfig) -> list[str]:
    given = [name for name in ("dataset", "image_dir", "image_csv") if getattr(source, name)]
    if len(given) == 1:
        return []
    if not given:
        return ["No images: give one of --image_dir, --image_csv or --dataset (drawn_vehicles needs no files)."]
    return ["Give only one source of images. Received: " + ", ".join(f"--{name}" for name in given)]


def _train_faults(config: TrainConfig) -> list[str]:
    faults = []
    split, training = config.split, config.training
    if _are_numbers(split.validation_fraction, split.test_fraction) and not (
        split.validation_fraction + split.test_fraction < 1
    ):
        faults.append(
            "--validation_fraction and --test_fraction must leave something to train on: their sum must be less "
            f"than 1. Received: {split.validation_fraction} and {split.test_fraction}"
        )
    smallest = BACKBONES.get(config.model.backbone, 0)
    if _are_numbers(config.image.image_size) and config.image.image_size < smallest:
        faults.append(
            f"--image_size must be at least {smallest} for {config.model.backbone}. Received: {config.image.image_size}"
        )
    shortest = min((epochs for epochs in (training.head_epochs, training.fine_tune_epochs) if epochs), default=0)
    if _are_numbers(training.warmup_epochs, shortest) and training.warmup_epochs and training.warmup_epochs >= shortest:
        faults.append(
            "--warmup_epochs must be less than the epochs of each phase. "
            f"Received: {training.warmup_epochs} of {shortest}"
        )
    if config.publishing.refuse_worse and not config.output.compare_export_dir:
        faults.append(
            "--refuse_worse has nothing to compare with, because a new run has no earlier version: give "
            "--compare_export_dir, the version folder of the export in production, or leave --refuse_worse out."
        )
    return faults


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def _model_name_faults(name: Any) -> list[str]:
    if isinstance(name, str) and _MODEL_NAME.fullmatch(name):
        return []
    return [
        "--model_name must begin with a letter or digit and hold only letters, digits, '_', '-' and '.', because it "
        f"becomes a folder and part of a URL. Received: {name!r}"
    ]
