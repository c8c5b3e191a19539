"""What a person reads of a finished run: metrics.json, plots, report.html, and the closing table on the terminal."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

from keras_transfer import atomic_files, terminal
from keras_transfer.evaluation import galleries, report, report_data, summaries
from keras_transfer.evaluation.metrics import Metrics
from keras_transfer.pipelines import report_photos, run_metrics
from keras_transfer.pipelines.prepare import Prepared
from keras_transfer.pipelines.run_metrics import Finished, RunMetrics
from keras_transfer.run_directory import RunDirectory
from keras_transfer.settings.config import SPLITS, to_flat


def compose(prepared: Prepared, finished: Finished, run: RunDirectory) -> RunMetrics:
    """Measures the run and writes the report; for the time before the export appears, because much may fail here."""
    measured = run_metrics.measure(prepared, finished)
    pictures = _write_report(prepared, finished, run, measured)
    for name, png in pictures.items():
        atomic_files.write_bytes(run.plots / f"{name}.png", png)
    of_splits = {"validation": measured.validation, "test": measured.test}
    summaries.write(run.tensorboard / "results", of_splits, pictures)
    return measured


def close(prepared: Prepared, finished: Finished, run: RunDirectory, measured: RunMetrics) -> None:
    """Writes metrics.json, with which the run is finished, and prints the closing table."""
    run.finish(measured)
    _summary(prepared, finished, run, measured)


def _galleries(prepared: Prepared, finished: Finished) -> list[galleries.Gallery]:
    """Pictures of the images that the headline metrics come from."""
    published, examples = finished.published, prepared.examples
    if published.test is None:
        shown, probabilities = examples.in_split("validation"), finished.fitted.validation_probabilities
    else:
        shown = examples.in_split("test").select(published.test_positions)
        probabilities = published.test_probabilities
    return report_photos.make_galleries(
        galleries.Classified(shown.paths, shown.label_ids, probabilities, shown.class_names),
        image=prepared.config.image,
        max_pixels=prepared.config.source.max_image_pixels,
        classifier=prepared.classifier,
    )


def _write_report(prepared: Prepared, finished: Finished, run: RunDirectory, measured: RunMetrics) -> dict[str, bytes]:
    """Writes report.html; returns its plots by name."""
    examples, name = prepared.examples, prepared.config.output.model_name
    counts = {split: examples.in_split(split).class_counts() for split in SPLITS}
    return report.write(
        run.report,
        report_data.Report(
            title=f"{name}: training report",
            class_names=examples.class_names,
            metrics={"validation": measured.validation, "test": measured.test},
            weights=measured.weights,
            weights_note=measured.weights_note,
            history=measured.phases,
            backbones_tried=[dataclasses.asdict(trial) for trial in measured.backbones_tried],
            choice=measured.choice or {},
            fine_tuning=dataclasses.asdict(measured.fine_tuning) if measured.fine_tuning else {},
            no_fine_tuning=measured.no_fine_tuning,
            learning_curve=dataclasses.asdict(measured.learning_curve) if measured.learning_curve else {},
            kept_phase=measured.kept_phase,
            kept_reason=measured.reason,
            seconds=measured.seconds,
            examples={
                split: dict(zip(examples.class_names, row.tolist(), strict=True))
                for split, row in counts.items()
                if row.any()
            },
            left_out=[(item.path, item.reason) for item in examples.left_out] + finished.published.unreadable,
            leaked=prepared.leaked,
            label_conflicts=prepared.label_conflicts,
            configuration=to_flat(prepared.config),
            paths={what: str(path) for what, path in _results(prepared, run).items()},
            slices=measured.slices,
            calibration=measured.calibration,
            baselines=measured.baselines,
            galleries=_galleries(prepared, finished),
            advice=[prepared.balance_advice] if prepared.balance_advice else [],
        ),
    )


def _results(prepared: Prepared, run: RunDirectory) -> dict[str, Path]:
    output = prepared.config.output
    return {
        "export": run.export_folder(output.model_name) / str(output.export_version),
        "classifier": run.classifier,
        "metrics": run.metrics,
        "report": run.report,
        "examples": run.data,
    }


def _comparisons(measured: RunMetrics) -> list[tuple[str, str]]:
    """What the head is worth against the linear probe, and for which images the classifier is worse."""
    compared, rows = measured.baselines.head_against_probe, []
    if compared:
        words = {"worse": "worse than", "better": "better than", "no difference": "no different from"}
        alone = f"alone right: {compared.only_head_right} to {compared.only_probe_right}"
        text = f"{words[compared.verdict]} logistic regression on {compared.split} ({alone})"
        rows.append(("trained head", text))
    for column in measured.slices:
        for each in column.values:
            if each.is_flagged:
                text = f"accuracy {each.metrics['accuracy']:.4f}, {-each.gaps['accuracy']:.4f} below the others"
                rows.append((f"{column.column} = {each.value}", text))
    return rows


def _in_words(metrics: Metrics | None) -> str:
    if metrics is None:
        return "no such split"
    low, high = metrics.accuracy_interval()
    accuracy = f"accuracy {metrics.accuracy:.4f} (95%: {low:.3f} to {high:.3f})"
    return f"{accuracy}, macro F1 {metrics.macro_f1:.4f} of {metrics.examples:,} examples"


def _summary(prepared: Prepared, finished: Finished, run: RunDirectory, measured: RunMetrics) -> None:
    """The closing table, and what to do next."""
    results = _results(prepared, run)
    seconds = {name: value for name, value in measured.seconds.items() if value >= 0.05}
    terminal.table(
        [
            ("validation", _in_words(measured.validation)),
            ("test", _in_words(measured.test)),
            *((f"leaked into {split}", f"{count:,}, left out") for split, count in prepared.leaked.items() if count),
            *_comparisons(measured),
            ("kept", measured.reason),
            ("calibration", measured.calibration.reason),
            *finished.published.rows(),
            ("seconds", ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())),
            *((what, str(path)) for what, path in results.items()),
        ],
        title="Result",
    )
    if measured.weights_note:
        terminal.warn(measured.weights_note)
    _say_next(prepared.config.output.model_name, results["export"])


def _say_next(name: str, export: Path) -> None:
    served = shlex.quote(str(export.parent.resolve()))
    terminal.say("\nNext:")
    terminal.say(
        f"  {terminal.python()} -m keras_transfer.predict --export_dir={shlex.quote(str(export))} --images=FOLDER "
        "--output=predictions.csv"
    )
    terminal.say(
        f"  docker run -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501 -v {served}:/models/{name}:ro "
        f"-e MODEL_NAME={name} tensorflow/serving:2.21.0"
    )
