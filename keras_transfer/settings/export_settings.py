"""Settings of what a training leaves: where it goes, how the export computes, and how good it must be."""

from __future__ import annotations

from dataclasses import dataclass

from keras_transfer.settings.checks import LARGEST_64_BIT_NUMBER, Settings, setting


@dataclass(frozen=True, kw_only=True)
class OutputConfig(Settings):
    """Where results go, and whether they are good enough to publish."""

    run_dir: str = setting(
        "", "Folder for all that this run leaves (default: runs/MODEL_NAME-DATE-TIME).", is_path=True, is_starter=True
    )
    model_name: str = setting("classifier", "Name of the served model.", is_starter=True)
    export_version: int = setting(1, "Version number of the export.", at_least=1, at_most=LARGEST_64_BIT_NUMBER)
    compare_export_dir: str = setting(
        "",
        "Version folder of the export in production, compared with the new one on this run's test images; "
        "--refuse_worse needs it.",
        is_path=True,
    )
    dry_run: bool = setting(
        False,
        "Check everything, print the plan with its cost, and train nothing; weights and data sets are fetched where "
        "--allow_download stands.",
        is_starter=True,
    )


@dataclass(frozen=True, kw_only=True)
class ServingConfig(Settings):
    """How the export computes."""

    serving_precision: str = setting(
        "float32",
        "Arithmetic of the base in the export; how it changes predictions is measured and reported.",
        choices=("float32", "bfloat16", "float16"),
    )
    abstain_below: float = setting(
        0.0,
        "Give the export an output `accepted`, which is false where the score is lower than this; 0 is off.",
        at_least=0,
        below=1,
    )
    serving_batch_size: int = setting(
        0,
        "The export gathers the images of concurrent requests into batches of up to this many; 0 is off. Larger "
        "requests are split, up to 16 batches.",
        at_least=0,
        at_most=1024,
    )
    serving_batch_timeout_microseconds: int = setting(
        2000, "How long an image waits for others to share its batch.", at_least=0, at_most=10_000_000
    )


@dataclass(frozen=True, kw_only=True)
class PublishingConfig(Settings):
    """How good an export must be to be published."""

    min_test_accuracy: float = setting(
        0.0, "Publish no export whose test accuracy is lower than this.", at_least=0, at_most=1
    )
    refuse_worse: bool = setting(
        False,
        "Publish no export that gets significantly fewer test images right than the one it is compared with: in train "
        "that of --compare_export_dir, in export the version before it.",
    )
