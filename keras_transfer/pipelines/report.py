"""What a person reads of a finished run: metrics.json, plots, report.html, and the closing table on the terminal."""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_transfer import atomic_files, terminal
from keras_transfer.evaluation import baselines, galleries, metrics, report, report_data, slices, summaries, temperature
from keras_transfer.pipelines import publish, report_photos
from keras_transfer.pipelines.fit import Fitted
from keras_transfer.pipelines.prepare import Prepared
from keras_transfer.run_directory import RunDirectory
from keras_transfer.settings.config import SPLITS, to_flat
from keras_transfer.training import choice, phases


@dataclass(frozen=True)
class Finished:
    """A run whose export is about to be published.

    Attributes:
      fitted: what the training left.
      published: the export and its metrics.
    """

    fitted: Fitted
    published: publish.Published


def compose(prepared: Prepared, finished: Finished, run: RunDirectory) -> dict[str, Any]:
    """Computes the metrics and writes the report; for the time before the export appears, because much may fail here.

    Returns:
      The content of metrics.json.
    """
    run_metrics = _run_metrics(prepared, finished)
    pictures = _write_report(prepared, finished, run, run_metrics)
    for name, png in pictures.items():
        atomic_files.write_bytes(run.plots / f"{name}.png", png)
    measured = {split: run_metrics[split] for split in ("validation", "test")}
    summaries.write(run.tensorboard / "results", measured, pictures)
    return run_metrics


def close(prepared: Prepared, finished: Finished, run: RunDirectory, run_metrics: dict[str, Any]) -> None:
    """Writes metrics.json, with which the run is finished, and prints the closing table."""
    atomic_files.write_json(run.metrics, run_metrics)
    _summary(prepared, finished, run, run_metrics)


def _run_metrics(prepared: Prepared, finished: Finished) -> dict[str, Any]:
    examples, outcome = prepared.examples, finished.fitted.outcome
    validation_ids = examples.in_split("validation").label_ids
    validation = metrics.measure(
        label_ids=validation_ids,
        probabilities=finished.fitted.validation_probabilities,
        class_names=examples.class_names,
        abstain_below=prepared.config.serving.abstain_below,
    )
    seconds = {
        name: prepared.watch.seconds.get(name, 0.0)
        for name in ("read", "build", "extract", "choice", "baselines", "head", "fine_tune")
    }
    seconds.update({name: prepared.watch.seconds[name] for name in ("export", "evaluate")})
    return {
        "model_name": prepared.config.output.model_name,
        "validation": validation,
        "test": finished.published.test,
        "slices": _slices(prepared, finished),
        "calibration": temperature.describe(validation_ids, outcome.validation_logits, finished.fitted.temperature),
        "baselines": {
            **finished.fitted.baselines.results,
            "head_against_probe": baselines.against_head(finished.fitted.baselines, _head_is_right(prepared, finished)),
        },
        "seconds": {**seconds, "total": prepared.watch.total()},
        "examples": {
            **{split: examples.splits.count(split) for split in SPLITS},
            "left_out": len(examples.left_out) + len(finished.published.unreadable),
        },
        "leaked": prepared.leaked,
        "near_leaks": prepared.near_leaks,
        "label_conflicts": prepared.label_conflicts,
        "class_names": list(examples.class_names),
        "backbone": prepared.config.model.backbone,
        "weights": prepared.classifier.weights,
        "weights_note": prepared.classifier.weights_note,
        "choice": choice.as_json(finished.fitted.choice) if finished.fitted.choice else None,
        "no_choice": prepared.no_choice,
        "learning_curve": dataclasses.asdict(finished.fitted.curve) if finished.fitted.curve else None,
        "kept_phase": outcome.kept_phase,
        "reason": outcome.reason,
        "phases": [phases.as_history(result) for result in outcome.phases],
        "feature_bank": {
            "used": prepared.plan.uses_bank,
            "reason": prepared.plan.reason,
            "views_computed": sum(part.record_count for part in prepared.plan.missing)
            if prepared.plan.uses_bank
            else 0,
            "precision": prepared.plan.precision,
        },
        "versions": publish.versions(),
    }


def _slices(prepared: Prepared, finished: Finished) -> list[dict[str, Any]]:
    if finished.published.test is None:
        return []
    test = prepared.examples.in_split("test").select(finished.published.test_positions)
    return slices.measure(
        label_ids=test.label_ids, probabilities=finished.published.test_probabilities, columns=test.slices
    )


def _head_is_right(prepared: Prepared, finished: Finished) -> dict[str, Any]:
    """Split -> whether each example is classified right; an unreadable one is not."""
    validation, test = (prepared.examples.in_split(split) for split in ("validation", "test"))
    is_right = np.zeros(len(test), np.bool_)
    positions = np.asarray(finished.published.test_positions, np.int64)
    is_right[positions] = finished.published.test_probabilities.argmax(axis=1) == test.label_ids[positions]
    answers = finished.fitted.validation_probabilities.argmax(axis=1)
    return {"validation": answers == validation.label_ids, "test": is_right}


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


def _write_report(
    prepared: Prepared, finished: Finished, run: RunDirectory, run_metrics: dict[str, Any]
) -> dict[str, bytes]:
    """Writes report.html; returns its plots by name."""
    examples, name = prepared.examples, prepared.config.output.model_name
    counts = {split: examples.in_split(split).class_counts() for split in SPLITS}
    return report.write(
        run.report,
        report_data.Report(
            title=f"{name}: training report",
            class_names=examples.class_names,
            metrics={"validation": run_metrics["validation"], "test": run_metrics["test"]},
            weights=run_metrics["weights"],
            weights_note=run_metrics["weights_note"],
            history=run_metrics["phases"],
            choice=run_metrics["choice"] or {},
            learning_curve=run_metrics["learning_curve"] or {},
            kept_phase=run_metrics["kept_phase"],
            kept_reason=run_metrics["reason"],
            seconds=run_metrics["seconds"],
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
            slices=run_metrics["slices"],
            calibration=run_metrics["calibration"],
            baselines=run_metrics["baselines"],
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


def _comparisons(run_metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """What the head is worth against the linear probe, and for which images the classifier is worse."""
    compared, rows = run_metrics["baselines"]["head_against_probe"], []
    if compared:
        words = {"worse": "worse than", "better": "better than", "no difference": "no different from"}
        alone = f"alone right: {compared['only_head_right']} to {compared['only_probe_right']}"
        text = f"{words[compared['verdict']]} logistic regression on {compared['split']} ({alone})"
        rows.append(("trained head", text))
    for column in run_metrics["slices"]:
        for row in column["values"]:
            if row["is_flagged"]:
                text = f"accuracy {row['figures']['accuracy']:.4f}, {-row['gaps']['accuracy']:.4f} below the others"
                rows.append((f"{column['column']} = {row['value']}", text))
    return rows


def _summary(prepared: Prepared, finished: Finished, run: RunDirectory, run_metrics: dict[str, Any]) -> None:
    """The closing table, and what to do next."""

    def measured(split: str) -> list[tuple[str, str]]:
        values = run_metrics[split]
        if values is None:
            return [(split, "no such split")]
        low, high = values["intervals"]["accuracy"]
        return [
            (
                split,
                f"accuracy {values['accuracy']:.4f} (95%: {low:.3f} to {high:.3f}), macro F1 {values['macro_f1']:.4f} "
                f"of {values['examples']:,} examples",
            )
        ]

    results = _results(prepared, run)
    seconds = {name: value for name, value in run_metrics["seconds"].items() if value >= 0.05}
    terminal.table(
        [
            *measured("validation"),
            *measured("test"),
            *((f"leaked into {split}", f"{count:,}, left out") for split, count in prepared.leaked.items() if count),
            *_comparisons(run_metrics),
            ("kept", run_metrics["reason"]),
            ("calibration", run_metrics["calibration"]["reason"]),
            *finished.published.rows(),
            ("seconds", ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())),
            *((what, str(path)) for what, path in results.items()),
        ],
        title="Result",
    )
    if run_metrics["weights_note"]:
        terminal.warn(run_metrics["weights_note"])
    name, export = prepared.config.output.model_name, results["export"]
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
