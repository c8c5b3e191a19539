"""Command: an export + labelled images -> metrics and report.

python -m keras_transfer.evaluate --export_dir=runs/x/export/vehicles/1 --image_dir=photos_new
With --compare_export_dir another export is measured on the same images, and the two are set side by side.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_transfer import atomic_files, command_line, terminal
from keras_transfer.config import SPLITS, EvaluateConfig, UserError, to_flat
from keras_transfer.data import sources
from keras_transfer.images import unreadable as unreadable_files
from keras_transfer.saved_model import seen_images, version_folder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from keras_transfer.data.examples import Examples
    from keras_transfer.evaluation.galleries import Classified, Gallery
    from keras_transfer.saved_model.reader import Export


def evaluate(config: EvaluateConfig) -> dict[str, Any]:
    """Measures an export on labelled images, by their raw bytes.

    Returns:
      The metrics, as in metrics.json.

    Raises:
      UserError: no images, no export, a class that the export does not know, too many unreadable files, or another
        export with other classes.
    """
    version_folder.check(Path(config.settings.export_dir))
    if config.settings.compare_export_dir:
        version_folder.check(Path(config.settings.compare_export_dir), flag="compare_export_dir")
    found = sources.load(config.source)
    examples, split = _choose(found, config.settings.evaluate_split)
    max_fraction = config.source.max_unreadable_fraction
    broken = [(item.path, item.reason) for item in found.left_out if item.is_unreadable]
    unreadable_files.refuse_too_many(broken, len(found) + len(broken), max_fraction)
    _warn_of(broken)
    terminal.import_tensorflow_quietly()
    import numpy as np

    from keras_transfer.evaluation import comparison, galleries, metrics, slices

    export, other = _read_exports(config)
    label_ids = _label_ids_of_export(examples, export.class_names)
    output = _make_output(config)  # now, so that a wrong place is found before the work is done
    probabilities, positions, unreadable = export.measure_files(
        examples.paths,
        batch_size=config.settings.batch_size,
        title="Evaluating",
        max_unreadable_fraction=max_fraction,
        sha256=examples.sha256,
    )
    _warn_of(unreadable)
    kept, label_ids = examples.select(positions), label_ids[np.asarray(positions, np.int64)]
    left_out = [(item.path, item.reason) for item in found.left_out] + unreadable
    known = _read_metadata(export)
    abstain_below = known.get("serving", {}).get("abstain_below", 0.0)
    measured = metrics.measure(
        label_ids=label_ids,
        probabilities=probabilities,
        class_names=export.class_names,
        abstain_below=abstain_below,
    )
    result = {
        "export": str(export.path),
        "split": split,
        "weights": known.get("base", {}).get("weights", ""),
        "weights_note": known.get("base", {}).get("weights_note", ""),
        "abstain_below": abstain_below,
        "evaluation": measured,
        "own_test": comparison.with_own_test(measured, known.get("test")),
        "slices": slices.measure(label_ids=label_ids, probabilities=probabilities, columns=kept.slices),
        "seen_in_training": _count_seen(export, kept),
        "comparison": _compare(config, other, kept, label_ids, probabilities) if other else None,
        "left_out": [{"path": path, "reason": reason} for path, reason in left_out],
    }
    atomic_files.write_json(output / "metrics.json", result)
    _write_predictions(output / "predictions.csv", kept, probabilities, export.class_names)
    shown = galleries.Classified(kept.paths, label_ids, probabilities, export.class_names)
    _write_report(config, result, kept, output=output, pictures=_galleries(export, shown))
    _summary(result, found.notes, output)
    return result


def _make_output(config: EvaluateConfig) -> Path:
    if not config.settings.output:
        return atomic_files.make_new_folder(f"evaluation-{datetime.datetime.now():%Y%m%d-%H%M%S}")
    output = Path(config.settings.output)
    output.mkdir(parents=True, exist_ok=True)
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
    from keras_transfer.saved_model import reader

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
    """The other export's figures and the differences, on the files that both can read."""
    from keras_transfer.evaluation import metrics, side_by_side

    of_other, positions, unreadable = other.measure_files(
        examples.paths,
        batch_size=config.settings.batch_size,
        title="Evaluating the other",
        max_unreadable_fraction=config.source.max_unreadable_fraction,
        sha256=examples.sha256,
    )
    _warn_of(unreadable)
    return {
        "export": str(other.path),
        "seen_in_training": _count_seen(other, examples),
        "evaluation": metrics.measure(
            label_ids=label_ids[positions], probabilities=of_other, class_names=other.class_names
        ),
        **side_by_side.measure(
            label_ids=label_ids[positions], probabilities=probabilities[positions], other_probabilities=of_other
        ),
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


def _choose(examples: Examples, wanted: str) -> tuple[Examples, str]:
    """The examples that count, and the name of what they are."""
    present = [split for split in SPLITS if split in examples.splits]
    if wanted == "auto":
        wanted = next((split for split in ("test", "validation", "train") if split in present), "all")
    if wanted == "all":
        return examples, "all"
    if wanted not in present:
        there = f"its splits are {', '.join(present)}" if present else "it has no splits"
        raise UserError(f"--evaluate_split={wanted} holds no examples: {there}. Choose another, or all.")
    return examples.in_split(wanted), wanted


def _label_ids_of_export(examples: Examples, class_names: Sequence[str]) -> NDArray[np.int32]:
    """Label ids in the export's order: int32, shape (examples,)."""
    unknown = sorted(set(examples.class_names) - set(class_names))
    if unknown:
        raise UserError(
            f"The export does not know the class(es) {', '.join(map(repr, unknown))}. "
            f"It knows: {', '.join(class_names)}. Rename the folders or labels, or leave these images out."
        )
    import numpy as np

    places = np.array([class_names.index(name) for name in examples.class_names], np.int32)
    return places[examples.label_ids]


def _warn_of(unreadable: Sequence[tuple[str, str]]) -> None:
    for path, reason in unreadable[:10]:
        terminal.warn(f"left out {path}: {reason}")


def _counts(examples: Examples) -> dict[str, int]:
    return dict(zip(examples.class_names, examples.class_counts().tolist(), strict=True))


def _write_predictions(
    path: Path, examples: Examples, probabilities: NDArray[np.float32], class_names: Sequence[str]
) -> None:
    """A row for each example: path, true label, predicted label, its score, and every class's probability."""
    with atomic_files.whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "true_label", "label", "score", *class_names])
        for name, label_id, row in zip(examples.paths, examples.label_ids, probabilities, strict=True):
            best = int(row.argmax())
            writer.writerow([name, examples.class_names[label_id], class_names[best], row[best], *row])


def _galleries(export: Export, shown: Classified) -> list[Gallery]:
    """Pictures of the measured images, prepared as the export prepares them."""
    from keras_transfer import report_photos

    try:
        image, max_pixels = version_folder.read_preprocessing(export.path)
    except UserError as error:
        terminal.warn(f"The report shows no pictures: {error}")
        return []
    return report_photos.make_galleries(shown, image=image, max_pixels=max_pixels, classifier=None)


def _write_report(
    config: EvaluateConfig, result: Mapping[str, Any], kept: Examples, *, output: Path, pictures: Sequence[Gallery]
) -> None:
    from keras_transfer.evaluation import report

    export_dir, split, measured = Path(result["export"]), result["split"], result["evaluation"]
    version_dir = export_dir.resolve()
    report.write(
        output / "report.html",
        report.Report(
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
            paths={"export": str(export_dir), "figures": str(output / "metrics.json")},
        ),
    )


def _summary(result: Mapping[str, Any], notes: Sequence[str], output: Path) -> None:
    from keras_transfer.evaluation import result_rows

    measured = result["evaluation"]
    terminal.table(
        [
            ("examples", f"{measured['examples']:,} ({result['split']})"),
            ("left out", f"{len(result['left_out']):,}"),
            *(("source", note) for note in notes),
            ("accuracy", f"{measured['accuracy']:.4f}"),
            ("macro F1", f"{measured['macro_f1']:.4f}"),
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


def main() -> int:
    """Runs the command line."""
    return command_line.run(EvaluateConfig, evaluate)


if __name__ == "__main__":
    sys.exit(main())
