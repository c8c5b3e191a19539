"""The steps of an evaluation. `evaluate` imports it only once the configuration and the images are known to be good."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from itertools import starmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keras_transfer import atomic_files, terminal
from keras_transfer.data import class_names as class_naming
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.evaluation import predictions, report, report_data, result_rows
from keras_transfer.evaluation.galleries import Classified, Gallery
from keras_transfer.images import sixteen_bits
from keras_transfer.images import unreadable as unreadable_files
from keras_transfer.pipelines import evaluation_result, report_photos
from keras_transfer.pipelines.evaluation_result import Answers, EvaluationResult, Unmeasured
from keras_transfer.saved_model import reader, version_folder
from keras_transfer.saved_model.reader import Export
from keras_transfer.settings.config import EvaluateConfig, to_flat


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
    answers, unreadable = _ask(config, export, chosen, label_ids)
    nearly_black = sixteen_bits.warn(chosen.paths)
    advice = [nearly_black] if nearly_black else []
    result = evaluation_result.measure(
        config,
        (export, other),
        answers,
        split=split,
        left_out=[*(Unmeasured(item.path, item.reason) for item in found.left_out), *starmap(Unmeasured, unreadable)],
        notes=[*found.notes, *advice, *_one_class_notes(answers.label_ids, export.class_names)],
    )
    atomic_files.write_json(output / "metrics.json", result)
    _write_predictions(output / "predictions.csv", answers, export.class_names)
    pictures = _galleries(export, answers)
    _write_report(config, result, answers.examples, output=output, pictures=pictures, advice=advice)
    _summary(result, output)
    return output


def _ask(
    config: EvaluateConfig, export: Export, chosen: Examples, label_ids: NDArray[np.int32]
) -> tuple[Answers, list[tuple[str, str]]]:
    """What the export answers, and (path, reason) of the files that it cannot read."""
    probabilities, positions, unreadable = export.measure_files(
        chosen.paths,
        batch_size=config.settings.batch_size,
        title="Evaluating",
        max_unreadable_fraction=config.source.max_unreadable_fraction,
        sha256=chosen.sha256,
    )
    unreadable_files.warn(unreadable)
    return Answers(chosen.select(positions), label_ids[np.asarray(positions, np.int64)], probabilities), unreadable


def _make_output(config: EvaluateConfig) -> Path:
    """The folder for the results, made once all that is given is known to be good."""
    if not config.settings.output:
        return atomic_files.make_new_folder(f"evaluation-{datetime.datetime.now():%Y%m%d-%H%M%S}")
    output = Path(config.settings.output)
    if (output / "metrics.json").exists():
        terminal.warn(f"--output={output} holds an earlier evaluation, which is replaced.")
    return output


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


def _one_class_notes(label_ids: NDArray[np.int32], class_names: Sequence[str]) -> list[str]:
    present = set(label_ids.tolist())
    if len(present) != 1:
        return []
    name = class_names[present.pop()]
    return [
        f"All images are of one class, {name!r}: the accuracy is its recall. Precision, F1 and ROC AUC need images of "
        "other classes, and are left out."
    ]


def _write_predictions(path: Path, answers: Answers, class_names: Sequence[str]) -> None:
    examples, probabilities = answers.examples, answers.probabilities
    rows = (
        predictions.Prediction(name, row, true_label=examples.class_names[label_id])
        for name, label_id, row in zip(examples.paths, examples.label_ids, probabilities, strict=True)
    )
    predictions.write(path, rows, class_names=class_names, further=["true_label"])


def _galleries(export: Export, answers: Answers) -> list[Gallery]:
    """Pictures of the measured images, prepared as the export prepares them."""
    try:
        image, max_pixels = version_folder.read_preprocessing(export.path)
    except UserError as error:
        terminal.warn(f"The report shows no pictures: {error}")
        return []
    shown = Classified(answers.examples.paths, answers.label_ids, answers.probabilities, export.class_names)
    return report_photos.make_galleries(shown, image=image, max_pixels=max_pixels, classifier=None)


def _write_report(
    config: EvaluateConfig,
    result: EvaluationResult,
    kept: Examples,
    *,
    output: Path,
    pictures: Sequence[Gallery],
    advice: Sequence[str],
) -> None:
    export_dir, split, measured = Path(result.export), result.split, result.evaluation
    version_dir = export_dir.resolve()
    report.write(
        output / "report.html",
        report_data.Report(
            title=f"{version_dir.parent.name}, version {version_dir.name}: evaluation",
            class_names=tuple(measured.per_class),
            metrics={split: measured},
            weights=result.weights,
            weights_note=result.weights_note,
            own_test=result.own_test,
            examples={split: _counts(kept)},
            left_out=[(item.path, item.reason) for item in result.left_out],
            # The page says what the export accepts, as that of a training run does.
            configuration={**to_flat(config), "abstain_below": result.abstain_below},
            slices=result.slices,
            seen=result.seen_in_training,
            comparison=result.comparison,
            galleries=pictures,
            advice=advice,
            paths={"export": str(export_dir), "metrics": str(output / "metrics.json")},
        ),
    )


def _summary(result: EvaluationResult, output: Path) -> None:
    measured, compared = result.evaluation, result.comparison
    terminal.table(
        [
            ("examples", f"{measured.examples:,} ({result.split})"),
            ("left out", f"{len(result.left_out):,}"),
            *(("source", note) for note in result.notes),
            ("accuracy", f"{measured.accuracy:.4f}"),
            *([("macro F1", f"{measured.macro_f1:.4f}")] if measured.macro_f1 is not None else []),
            ("log loss", f"{measured.log_loss:.4f}"),
            *result_rows.of_accepted(measured, result.abstain_below),
            *result_rows.of_own_test(result.own_test),
            ("written to", str(output)),
        ],
        title="Evaluation of the export",
    )
    if result.weights == "random":
        terminal.warn(f"The base of this export has random weights. {result.weights_note}".strip())
    if compared:
        terminal.table(result_rows.of_comparison(measured, compared), title=f"Against {compared.export}")
