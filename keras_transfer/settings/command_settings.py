"""The settings of single commands other than `train`: what each is given, and where its results go."""

from __future__ import annotations

from dataclasses import dataclass

from keras_transfer.settings.backbones import BACKBONES
from keras_transfer.settings.checks import LARGEST_64_BIT_NUMBER, Settings, setting
from keras_transfer.settings.train_settings import SPLITS


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings(Settings):
    """The export to measure, and where the metrics go."""

    export_dir: str = setting(
        "", "Version folder of an export, such as runs/x/export/vehicles/1.", is_path=True, is_starter=True
    )
    evaluate_split: str = setting(
        "auto",
        "Which examples count; auto: the test split, else validation, where the source brings splits; all of them "
        "otherwise.",
        choices=("auto", "all", *SPLITS),
        is_starter=True,
    )
    output: str = setting(
        "",
        "Folder for metrics.json, predictions.csv and report.html (default: evaluation-DATE-TIME).",
        is_path=True,
        is_starter=True,
    )
    compare_export_dir: str = setting(
        "", "Version folder of another export, measured beside it on the same images.", is_path=True, is_starter=True
    )
    batch_size: int = setting(32, "Images in a call of the export.", at_least=1)


@dataclass(frozen=True, kw_only=True)
class PredictSettings(Settings):
    """The export to use, the images, and where the answers go."""

    export_dir: str = setting(
        "", "Version folder of an export, such as runs/x/export/vehicles/1.", is_path=True, is_starter=True
    )
    images: str = setting("", "Folder of images (with its folders), or one image file.", is_path=True, is_starter=True)
    output: str = setting(
        "predictions.csv",
        "CSV file to write: path, label, score, a column for each class, error.",
        is_path=True,
        is_starter=True,
    )
    batch_size: int = setting(32, "Images in a call of the export.", at_least=1)


@dataclass(frozen=True, kw_only=True)
class ExportSettings(Settings):
    """The run to export again."""

    run_dir: str = setting("", "Run directory of a finished training run.", is_path=True, is_starter=True)
    export_version: int = setting(
        0,
        "Version number of the new export, which must not exist yet; 0 is one more than the highest there.",
        at_least=0,
        at_most=LARGEST_64_BIT_NUMBER,
        is_starter=True,
    )
    model_name: str = setting("", "Name of the served model (default: that of the run).", is_starter=True)


@dataclass(frozen=True, kw_only=True)
class InspectSettings(Settings):
    """Where the findings go, and the network whose features tell of labels, drift and similar scenes."""

    output: str = setting(
        "inspection", "Folder for inspection.json, inspection.html and exclude.txt.", is_path=True, is_starter=True
    )
    backbone: str = setting(
        "none",
        "The network to take features from; none checks files, copies and splits only.",
        choices=("none", *BACKBONES),
        is_starter=True,
    )
    weights: str = setting(
        "imagenet",
        "imagenet (from Keras's cache, or downloaded with --allow_download), random, or a weights file.",
        is_path=True,
        is_starter=True,
    )
    run_dir: str = setting(
        "",
        "Directory of a finished run: its network, image settings and feature bank are used in place of flags.",
        is_path=True,
        is_starter=True,
    )
    precision: str = setting(
        "auto",
        "Arithmetic of the network; auto is bfloat16 where the processor computes it natively.",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    feature_cache_dir: str = setting(
        "",
        "Folder of the feature banks (default: $XDG_CACHE_HOME/keras_transfer or ~/.cache/keras_transfer).",
        is_path=True,
    )
