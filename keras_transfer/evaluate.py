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
    _refuse_too_many_unreadable(broken, len(found) + len(broken), max_fraction)
    terminal.import_tensorflow_quietly()
    import numpy as np

    from keras_transfer.evaluation import galleries, metrics, slices

    export, other = _read_exports(config)
    label_ids = _label_ids_of_export(examples, export.class_names)
    output = _make_output(config)  # now, so that a wrong place is found before the work is done
    probabilities, positions, unreadable = export.measure_files(
        examples.paths, batch_size=config.settings.batch_size, title="Evaluating"
    )
    _refuse_too_many_unreadable(unreadable, len(examples), max_fraction)
    kept, label_ids = examples.select(positions), label_ids[np.asarray(positions, np.int64)]
    left_out = [(item.path, item.reason) for item in found.left_out] + unreadable
    result = {
        "export": str(export.path),
        "split": split,
        "evaluation": metrics.measure(label_ids=label_ids, probabilities=probabilities, class_names=export.class_names),
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
    output = Path(config.settings.output or f"evaluation-{datetime.datetime.now():%Y%m%d-%H%M%S}")
    output.mkdir(parents=True, exist_ok=True)
    return output


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
        examples.paths, batch_size=config.settings.batch_size, title="Evaluating the other"
    )
    _refuse_too_many_unreadable(unreadable, len(examples), config.source.max_unreadable_fraction)
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
        told = " and ".join(f"{count:,} in its {split}" for split, count in counts.items())
        terminal.warn(
            f"{export.path} has seen some of these images before: {told} split, of {len(examples):,}. On new images it "
            "does worse than these figures say."
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


def _refuse_too_many_unreadable(unreadable: Sequence[tuple[str, str]], count: int, max_fraction: float) -> None:
    if len(unreadable) > max_fraction * count:
        path, reason = unreadable[0]
        raise UserError(
            f"{len(unreadable)} of {count} files cannot be read, more than --max_unreadable_fraction={max_fraction:g} "
            f"allows. The first is {path}: {reason}"
        )
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
            weights="",
            examples={split: _counts(kept)},
            left_out=[(item["path"], item["reason"]) for item in result["left_out"]],
            configuration=to_flat(config),
            slices=result["slices"],
            seen=result["seen_in_training"],
            comparison=result["comparison"] or {},
            galleries=pictures,
            paths={"export": str(export_dir), "metrics": str(output / "metrics.json")},
        ),
    )


def _summary(result: Mapping[str, Any], notes: Sequence[str], output: Path) -> None:
    measured = result["evaluation"]
    terminal.table(
        [
            ("examples", f"{measured['examples']:,} ({result['split']})"),
            ("left out", f"{len(result['left_out']):,}"),
            *(("source", note) for note in notes),
            ("accuracy", f"{measured['accuracy']:.4f}"),
            ("macro F1", f"{measured['macro_f1']:.4f}"),
            ("log loss", f"{measured['log_loss']:.4f}"),
            ("written to", str(output)),
        ],
        title="Evaluation of the export",
    )
    if result["comparison"]:
        _print_comparison(measured, result["comparison"])


def _print_comparison(measured: Mapping[str, Any], compared: Mapping[str, Any]) -> None:
    """Figures of both exports, the difference, and whether chance explains it."""
    other, paired = compared["evaluation"], compared["paired"]
    rows = []
    for name, row in compared["differences"].items():
        low, high = row["interval"] or (row["difference"],) * 2
        text = f"{measured[name]:.4f} against {other[name]:.4f}: {row['difference']:+.4f} ({low:+.4f} to {high:+.4f})"
        rows.append((name.replace("_", " "), text))
    right = f"{paired['only_new_right']} against {paired['only_earlier_right']}"
    rows.append(("right alone", f"{right}: {paired['verdict']} (p = {paired['p_value']:.3g})"))
    terminal.table(rows, title=f"Against {compared['export']}")


def main() -> int:
    """Runs the command line."""
    return command_line.run(EvaluateConfig, evaluate)


if __name__ == "__main__":
    sys.exit(main())
