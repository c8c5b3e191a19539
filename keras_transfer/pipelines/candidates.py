"""What is to be published, and what tells one such thing from another."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_transfer.data.examples import Examples
from keras_transfer.model import cut
from keras_transfer.pipelines.fit import Fitted
from keras_transfer.pipelines.prepare import Prepared
from keras_transfer.run_directory import RunDirectory
from keras_transfer.saved_model.signatures import ExportSpec
from keras_transfer.settings.config import SPLITS

SAMPLE_FILES = 8  # enough to show a wrong channel order or resize many times over


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What is to be published.

    Attributes:
      spec: what the export is made from.
      folder: of the served model, whose name it bears; holds its numbered versions.
      version: must not exist yet, or be this very export, published by an earlier try of the same run.
      base: what is known of the base, for people: backbone, weights, weights_note.
      temperature: that the logits were divided by; 1 for none.
      examples: all that the classifier was made from, with their digests.
      test: those to measure on, perhaps none.
      samples: readable files to compare export and classifier on, at least one.
      max_unreadable_fraction: of the test files that the export may refuse, in [0, 1].
      compare_with: version folder of the export to compare with; None for the latest other version in `folder`.
    """

    spec: ExportSpec
    folder: Path
    version: int
    base: Mapping[str, str]
    temperature: float
    examples: Examples
    test: Examples
    samples: tuple[str, ...]
    max_unreadable_fraction: float
    compare_with: Path | None = None


def of_run(prepared: Prepared, run: RunDirectory, fitted: Fitted) -> Candidate:
    """What a training run is to publish."""
    config, examples, classifier = prepared.config, prepared.examples, prepared.classifier
    test, other = examples.in_split("test"), config.output.compare_export_dir
    return Candidate(
        spec=ExportSpec(
            model=classifier.model,
            class_names=examples.class_names,
            image=config.image,
            max_pixels=config.source.max_image_pixels,
            serving=config.serving,
        ),
        folder=run.export_folder(config.output.model_name),
        version=config.output.export_version,
        base={
            "backbone": config.model.backbone,
            "weights": classifier.weights,
            "weights_note": classifier.weights_note,
        },
        temperature=fitted.temperature.value,
        examples=examples,
        test=test,
        samples=(test.paths or examples.in_split("validation").paths)[:SAMPLE_FILES],
        max_unreadable_fraction=config.source.max_unreadable_fraction,
        compare_with=Path(other) if other else None,
    )


def identity(candidate: Candidate) -> dict[str, Any]:
    """All that an export is made from, as its metadata tells it."""
    spec = candidate.spec
    return {
        "model_name": candidate.folder.name,
        "version": candidate.version,
        "class_names": list(spec.class_names),
        "base": {**candidate.base, "weights_sha256": cut.checksum(spec.model.weights)},
        "temperature": candidate.temperature,
        "data": _describe_data(candidate.examples),
        "preprocessing": {**dataclasses.asdict(spec.image), "max_image_pixels": spec.max_pixels},
        "serving": dataclasses.asdict(spec.serving),
    }


def _describe_data(examples: Examples) -> dict[str, Any]:
    """Counts, and one checksum of every photo with its label and split, whatever their order and place."""
    lines = sorted(
        f"{digest} {split} {examples.class_names[label_id]}\n"
        for digest, split, label_id in zip(examples.sha256, examples.splits, examples.label_ids, strict=True)
    )
    return {
        "sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
        "examples": {split: examples.splits.count(split) for split in SPLITS},
    }
