"""The steps of an evaluation. `evaluate` imports it only once the configuration and the images are known to be good."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_transfer import atomic_files, terminal
from keras_transfer.data import class_names as class_naming
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.evaluation import (
    comparison,
    galleries,
    metrics,
    predictions,
    report,
    report_data,
    result_rows,
    side_by_side,
    slices,
)
from keras_transfer.evaluation.galleries import Classified, Gallery
from keras_transfer.images import sixteen_bits
from keras_transfer.images import unreadable as unreadable_files
from keras_transfer.pipelines import report_photos
from keras_transfer.saved_model import reader, seen_images, version_folder
from keras_transfer.saved_model.reader import Export
from keras_transfer.settings.config import EvaluateConfig, to_flat

# Both fall with false alarms, which images of one class cannot show.
_NEEDS_TWO_CLASSES = ("macro_f1", "weighted_f1")


def carry_out(config: EvaluateConfig, found: Examples, chosen: Examples, split: str) -> Path:
    """Measures the export on examples, writes all that `evaluate` promises, and prints a summary.

    Args:
      config: of the command.
      found: what the source gave.
      chosen: those of them that count.
      split: what they are.

    Returns:
      The folder that was written.
    """
    export, other = _read_exports(config)
    label_ids = _label_ids_of_export(chosen, export.class_names)
    output = _make_output(config)
    probabilities, positions, unreadable = export.measure_files(
        chosen.paths,
        batch_size=config.settings.batch_size,
        title="Evaluating",
        max_unreadable_fraction=config.source.max_unreadable_fraction,
        sha256=chosen.sha256,
    )
    unreadable_files.warn(unreadable)
    nearly_black = sixteen_bits.warn(chosen.paths)
    measured = _Measured(chosen.select(positions), label_ids[np.asarray(positions, np.int64)], probabilities)
    result = _result(config, export, other, measured, split)
    result["left_out"] = [
        {"path": path, "reason": reason}
        for path, reason in [(item.path, item.reason) for item in found.left_out] + unreadable
    ]
    advice = [nearly_black] if nearly_black else []
    result["notes"] = [*found.notes, *advice, *_one_class_notes(measured.label_ids, export.class_names)]
    atomic_files.write_json(output / "metrics.json", result)
    _write_predictions(output / "predictions.csv", measured, export.class_names)
    shown = galleries.Classified(measured.examples.paths, measured.label_ids, probabilities, export.class_names)
    _write_report(config, result, measured.examples, output=output, pictures=_galleries(export, shown), advice=advice)
    _summary(result, output)
    return output


@dataclass(frozen=True)
class _Measured:
    """The readable examples, their label ids in the export's order, and its answers, shape (examples, classes)."""

    examples: Examples
    label_ids: NDArray[np.int32]
    probabilities: NDArray[np.float32]


def _result(
    config: EvaluateConfig, export: Export, other: Export | None, measured: _Measured, split: str
) -> dict[str, Any]:
    """What is measured, without what concerns the files that are not."""
    known = _read_metadata(export)
    abstain_below = known.get("serving", {}).get("abstain_below", 0.0)
    label_ids, probabilities = measured.label_ids, measured.probabilities
    of_export = metrics.measure(
        label_ids=label_ids,
        probabilities=probabilities,
        class_names=export.class_names,
        abstain_below=abstain_below,
    )
    return {
        "export": str(export.path),
        "split": split,
        "weights": known.get("base", {}).get("weights", ""),
        "weights_note": known.get("base", {}).get("weights_note", ""),
        "abstain_below": abstain_below,
        "evaluation": _of_one_class(of_export),
        "own_test": comparison.with_own_test(of_export, known.get("test")),
        "slices": slices.measure(label_ids=label_ids, probabilities=probabilities, columns=measured.examples.slices),
        "seen_in_training": _count_seen(export, measured.examples),
        "comparison": _compare(config, other, measured.examples, label_ids, probabilities) if other else None,
    }


def _make_output(config: EvaluateConfig) -> Path:
    """The folder for the results, made once all that is given is known to be good."""
    if not config.settings.output:
        return atomic_files.make_new_folder(f"evaluation-{datetime.datetime.now():%Y%m%d-%H%M%S}")
    output = Path(config.settings.output)
    if (output / "metrics.json").exists():
        terminal.warn(f"--output={output} holds an earlier evaluation, which is replaced.")
    return output


def _read_metadata(export: Export) -> dict[str, Any]:
    """What the export tells of itself; nothing, with a warning, where that is missing or damaged."""
    try:
        return version_folder.read_metadata(export.path)
    except UserError as error:
        terminal.warn(
            f"{error} So it is not known whether its weights are random, whether it abstains, and how accurate it was "
            "on its own test images."
        )
        return {}


def _read_exports(config: EvaluateConfig) -> tuple[Export, Export | None]:
    """The export, and the one to compare it with, if any."""
    export = reader.read(config.settings.export_dir)
    if not config.settings.compare_export_dir:
        return export, None
    other = reader.read(config.settings.compare_export_dir)
    if other.class_names != export.class_names:
        raise UserError(
            f"--compare_export_dir={other.path} has the classes {', '.join(other.class_names)}, and {export.path} has "
            f"{', '.join(export.class_names)}. Only exports with the same classes can be compared."
        )
    return export, other


def _compare(
    config: EvaluateConfig,
    other: Export,
    examples: Examples,
    label_ids: NDArray[np.int32],
    probabilities: NDArray[np.float32],
) -> dict[str, Any]:
    """The other export's metrics and the differences, on the files that both can read."""
    of_other, positions, unreadable = other.measure_files(
        examples.paths,
        batch_size=config.settings.batch_size,
        title="Evaluating the other",
        max_unreadable_fraction=config.source.max_unreadable_fraction,
        sha256=examples.sha256,
    )
    unreadable_files.warn(unreadable)
    measured = _of_one_class(
        metrics.measure(label_ids=label_ids[positions], probabilities=of_other, class_names=other.class_names)
    )
    compared = side_by_side.measure(
        label_ids=label_ids[positions], probabilities=probabilities[positions], other_probabilities=of_other
    )
    differences = {name: row for name, row in compared["differences"].items() if measured[name] is not None}
    return {
        "export": str(other.path),
        "seen_in_training": _count_seen(other, examples),
        "evaluation": measured,
        **compared,
        "differences": differences,
    }


def _count_seen(export: Export, examples: Examples) -> dict[str, int]:
    """Split -> how many of the images were in it when the export was trained; warns where there are any."""
    digests = (hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in examples.paths)
    counts = seen_images.count(export.path, digests)
    if counts:
        terminal.warn(
            f"{export.path} has seen some of these images before: {seen_images.in_words(counts)}, of "
            f"{len(examples):,}. On new images it does worse than these metrics say."
        )
    return counts


def _label_ids_of_export(examples: Examples, class_names: Sequence[str]) -> NDArray[np.int32]:
    """Label ids in the export's order: int32, shape (examples,)."""
    # An export may be older than the rule that class names are in NFC.
    place_of = {class_naming.normalize(name): place for place, name in enumerate(class_names)}
    unknown = sorted(set(map(class_naming.normalize, examples.class_names)) - place_of.keys())
    if unknown:
        raise UserError(
            f"The export does not know the class(es) {', '.join(map(repr, unknown))}. "
            f"It knows: {', '.join(class_names)}. Rename the folders or labels, or leave these images out."
        )

    places = np.array([place_of[class_naming.normalize(name)] for name in examples.class_names], np.int32)
    return places[examples.label_ids]


def _counts(examples: Examples) -> dict[str, int]:
    return dict(zip(examples.class_names, examples.class_counts().tolist(), strict=True))


def _of_one_class(measured: dict[str, Any]) -> dict[str, Any]:
    """The metrics without those that images of one class cannot say: false alarms need images of another class."""
    present = [name for name, row in measured["per_class"].items() if row["support"]]
    if len(present) != 1:
        return measured
    row = measured["per_class"][present[0]]
    unknown = dict.fromkeys(_NEEDS_TWO_CLASSES)
    return {
        **measured,
        **unknown,
        "per_class": {**measured["per_class"], present[0]: {**row, "precision": None, "f1": None}},
        "intervals": {**measured["intervals"], **unknown},
    }


def _one_class_notes(label_ids: NDArray[np.int32], class_names: Sequence[str]) -> list[str]:
    present = set(label_ids.tolist())
    if len(present) != 1:
        return []
    name = class_names[present.pop()]
    return [
        f"All images are of one class, {name!r}: the accuracy is its recall. Precision, F1 and ROC AUC need images of "
        "other classes, and are left out."
    ]


def _write_predictions(path: Path, measured: _Measured, class_names: Sequence[str]) -> None:
    examples, probabilities = measured.examples, measured.probabilities
    rows = (
        predictions.Prediction(name, row, true_label=examples.class_names[label_id])
        for name, label_id, row in zip(examples.paths, examples.label_ids, probabilities, strict=True)
    )
    predictions.write(path, rows, class_names=class_names, further=["true_label"])


def _galleries(export: Export, shown: Classified) -> list[Gallery]:
    """Pictures of the measured images, prepared as the export prepares them."""
    try:
        image, max_pixels = version_folder.read_preprocessing(export.path)
    except UserError as error:
        terminal.warn(f"The report shows no pictures: {error}")
        return []
    return report_photos.make_galleries(shown, image=image, max_pixels=max_pixels, classifier=None)


def _write_report(
    config: EvaluateConfig,
    result: Mapping[str, Any],
    kept: Examples,
    *,
    output: Path,
    pictures: Sequence[Gallery],
    advice: Sequence[str],
) -> None:
    export_dir, split, measured = Path(result["export"]), result["split"], result["evaluation"]
    version_dir = export_dir.resolve()
    report.write(
        output / "report.html",
        report_data.Report(
            title=f"{version_dir.parent.name}, version {version_dir.name}: evaluation",
            class_names=tuple(measured["per_class"]),
            metrics={split: measured},
            weights=result["weights"],
            weights_note=result["weights_note"],
            own_test=result["own_test"] or {},
            examples={split: _counts(kept)},
            left_out=[(item["path"], item["reason"]) for item in result["left_out"]],
            # The page says what the export accepts, as that of a training run does.
            configuration={**to_flat(config), "abstain_below": result["abstain_below"]},
            slices=result["slices"],
            seen=result["seen_in_training"],
            comparison=result["comparison"] or {},
            galleries=pictures,
            advice=advice,
            paths={"export": str(export_dir), "metrics": str(output / "metrics.json")},
        ),
    )


def _summary(result: Mapping[str, Any], output: Path) -> None:
    measured = result["evaluation"]
    terminal.table(
        [
            ("examples", f"{measured['examples']:,} ({result['split']})"),
            ("left out", f"{len(result['left_out']):,}"),
            *(("source", note) for note in result["notes"]),
            ("accuracy", f"{measured['accuracy']:.4f}"),
            *([("macro F1", f"{measured['macro_f1']:.4f}")] if measured["macro_f1"] is not None else []),
            ("log loss", f"{measured['log_loss']:.4f}"),
            *result_rows.of_accepted(measured, result["abstain_below"]),
            *result_rows.of_own_test(result["own_test"]),
            ("written to", str(output)),
        ],
        title="Evaluation of the export",
    )
    if result["weights"] == "random":
        terminal.warn(f"The base of this export has random weights. {result['weights_note']}".strip())
    if result["comparison"]:
        compared = result["comparison"]
        terminal.table(result_rows.of_comparison(measured, compared), title=f"Against {compared['export']}")
