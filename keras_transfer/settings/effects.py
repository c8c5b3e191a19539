"""Settings that are given and change nothing, because another setting leaves them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keras_transfer.settings.config import (
    DRAWN_VEHICLES,
    EvaluateConfig,
    ExportConfig,
    InspectConfig,
    TrainConfig,
    ViewsConfig,
    groups_of,
    settings_of,
    to_flat,
)


@dataclass(frozen=True)
class _Rule:
    """Settings that count only under a condition.

    Attributes:
      names: of the settings.
      otherwise: why they have no effect where the condition does not hold; completes "has no effect".
      holds: setting -> value, to whether the condition holds.
    """

    names: tuple[str, ...]
    otherwise: str
    holds: Callable[[Mapping[str, Any]], bool]


_SOURCE = (
    _Rule(("dataset_dir",), "without --dataset", lambda values: bool(values["dataset"])),
    _Rule(
        ("drawn_images_per_class",),
        f"without --dataset={DRAWN_VEHICLES}",
        lambda values: values["dataset"] == DRAWN_VEHICLES,
    ),
)
_SERVING = (
    _Rule(
        ("serving_batch_timeout_microseconds",),
        "without --serving_batch_size above 0",
        lambda values: values["serving_batch_size"] > 0,
    ),
)
_TRAINING = (
    _Rule(
        ("fine_tune_learning_rate", "unfreeze_blocks"),
        "without --fine_tune=on",
        lambda values: (
            values["fine_tune"] == "on"
            or values["fine_tune_epochs"] > 0
            or (values["fine_tune"], values["choose"]) == ("auto", "auto")
        ),
    ),
    _Rule(("momentum",), "without --optimizer=sgd", lambda values: values["optimizer"] == "sgd"),
    _Rule(("weight_decay",), "without --optimizer=adamw", lambda values: values["optimizer"] == "adamw"),
    _Rule(
        ("step_epochs", "step_factor"),
        "without --learning_rate_schedule=step or plateau",
        lambda values: values["learning_rate_schedule"] in ("step", "plateau"),
    ),
    _Rule(
        tuple(name for name in settings_of(ViewsConfig) if name != "augmented_views"),
        "without --augmented_views above 0",
        lambda values: values["augmented_views"] > 0,
    ),
    _Rule(
        ("feature_cache_max_bytes",),
        "beside --feature_cache=off",
        lambda values: values["feature_cache"] != "off",
    ),
)
_INSPECTION = (
    _Rule(
        ("image_size", "resize_mode", "apply_exif", "weights", "precision", "feature_cache_dir"),
        "beside --run_dir, whose own is used",
        lambda values: not values["run_dir"],
    ),
    _Rule(
        ("weights", "precision", "feature_cache_dir"),
        "without --backbone",
        lambda values: bool(values["run_dir"]) or values["backbone"] != "none",
    ),
)
_RULES: Mapping[type[Any], tuple[_Rule, ...]] = {
    TrainConfig: (*_SOURCE, *_TRAINING, *_SERVING),
    EvaluateConfig: _SOURCE,
    ExportConfig: _SERVING,
    InspectConfig: (*_SOURCE, *_INSPECTION),
}


def without_effect(config: Any) -> list[str]:
    """A sentence for each rule that settings fall under which differ from their defaults and change nothing.

    It is no fault: a flag file serves several runs, and a run's config.json names every setting.
    """
    values = to_flat(config)
    defaults = {
        name: item.default
        for group in groups_of(type(config)).values()
        for name, (item, _) in settings_of(group).items()
    }
    sentences = []
    for rule in _RULES.get(type(config), ()):
        given = [f"--{name}" for name in rule.names if values[name] != defaults[name]]
        if given and not rule.holds(values):
            sentences.append(f"{', '.join(given)} {'has' if len(given) == 1 else 'have'} no effect {rule.otherwise}.")
    return sentences
