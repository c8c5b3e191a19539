"""The steps of a training run. `train` imports it only once the configuration and the source are known to be good."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keras_transfer import atomic_files, publishing, terminal
from keras_transfer.config import SPLITS, TrainConfig, UserError
from keras_transfer.data import audit, leaks, splits
from keras_transfer.data.examples import Examples
from keras_transfer.evaluation import baselines, temperature
from keras_transfer.evaluation.baselines import Baselines
from keras_transfer.evaluation.temperature import Temperature
from keras_transfer.model import classifier as classifiers
from keras_transfer.model.classifier import Classifier
from keras_transfer.run_directory import RunDirectory
from keras_transfer.saved_model import reader, seen_images
from keras_transfer.saved_model.signatures import Blueprint
from keras_transfer.training import bank_filling, bank_storage, clean_features, phase_inputs, phases, plan


@dataclass
class Stopwatch:
    """Seconds of each stage.

    Attributes:
      started: `time.perf_counter()` when the command began, before TensorFlow was imported.
      seconds: stage -> seconds.
    """

    started: float
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time that the block takes to a stage."""
        started = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - started

    def total(self) -> float:
        """Seconds since the command began."""
        return time.perf_counter() - self.started


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to be carried out.

    Attributes:
      config: of the run.
      examples: read and split.
      leaked: split -> number of images that were left out of it, because they stand in another split too.
      label_conflicts: number of files with the same bytes as one of another class.
      classifier: built, not trained.
      phases: with their cuts.
      plan: of the inputs and their cost.
      watch: started with the run.
    """

    config: TrainConfig
    examples: Examples
    leaked: dict[str, int]
    label_conflicts: int
    classifier: Classifier
    phases: tuple[phases.Phase, ...]
    plan: plan.Plan
    watch: Stopwatch


@dataclass(frozen=True)
class Finished:
    """What came of a run.

    Attributes:
      outcome: of the phases.
      temperature: by which the classifier's logits were divided.
      baselines: simpler classifiers on the same features.
      published: the export and its figures.
    """

    outcome: phases.Outcome
    temperature: Temperature
    baselines: Baselines
    published: publishing.Published

    @property
    def validation_probabilities(self) -> NDArray[np.float32]:
        """Of the published classifier: float32, shape (validation examples, classes)."""
        return temperature.probabilities(self.outcome.validation_logits, self.temperature.value)


def prepare(config: TrainConfig, found: Examples, *, started: float) -> Prepared:
    """Reads the files, splits them, builds the classifier and plans the run; writes nothing.

    Args:
      config: of the run.
      found: what a source returned.
      started: `time.perf_counter()` when the command began.
    """
    watch = Stopwatch(started)
    with watch.stage("read"):
        examples = splits.assign(
            audit.read_all(found, source=config.source),
            validation_fraction=config.split.validation_fraction,
            test_fraction=config.split.test_fraction,
            seed=config.split.split_seed,
        )
        label_conflicts = leaks.count_label_conflicts(examples)
        examples, leaked = leaks.leave_out(examples)
        _refuse_gates_without_test(config, examples)
    with watch.stage("build"):
        classifier = classifiers.build(
            config.model,
            class_count=len(examples.class_names),
            image_size=config.image.image_size,
            seed=config.training.seed,
            allow_download=config.source.allow_download,
        )
        planned = phases.plan(classifier, config.training)
        _check_other_export(config.output.compare_export_dir)
        costs = plan.make(classifier, planned, examples, config=config)
    return Prepared(config, examples, leaked, label_conflicts, classifier, planned, costs, watch)


def _refuse_gates_without_test(config: TrainConfig, examples: Examples) -> None:
    """Says before the training what publishing would say after it."""
    gates = {
        "min_test_accuracy": config.publishing.min_test_accuracy,
        "compare_export_dir": config.output.compare_export_dir,
    }
    for flag in (flag for flag, value in gates.items() if value and "test" not in examples.splits):
        raise UserError(
            f"--{flag} is set, but there is no test split to measure it on. Add a test/ folder, or a split column in "
            "the CSV file, or leave the flag out."
        )


def _check_other_export(export_dir: str) -> None:
    """Reads the export to compare with, so that a damaged one is found before the training."""
    if export_dir:
        seen_images.count(reader.read(export_dir).path, ())


def show(prepared: Prepared) -> None:
    """Prints the plan."""
    config, examples = prepared.config, prepared.examples
    counts = {split: examples.splits.count(split) for split in SPLITS}
    terminal.table(
        [
            ("classes", f"{len(examples.class_names)}: {', '.join(examples.class_names[:10])}"),
            ("examples", ", ".join(f"{count:,} {split}" for split, count in counts.items())),
            ("left out", f"{len(examples.left_out):,}"),
            *(("source", note) for note in examples.notes),
            (
                "classifier",
                f"{config.model.backbone}, {prepared.classifier.weights} weights, {config.image.image_size} pixels",
            ),
            *((phase.name, f"{phase.epochs} epochs above {phase.cut}") for phase in prepared.phases),
            *plan.rows(prepared.plan),
        ],
        title="Plan",
    )
    if prepared.classifier.weights_note:
        terminal.warn(prepared.classifier.weights_note)
    if not counts["test"]:
        terminal.warn(
            "There is no test split, so the report will have no test figures. To get them, add a test/ folder beside "
            "train/; without split folders it takes --test_fraction above 0 and at least three images of a class."
        )


def carry_out(prepared: Prepared, run: RunDirectory, *, conclude: Callable[[Finished], None]) -> Finished:
    """Trains, exports, evaluates the export, and writes all of the run directory but the results.

    Args:
      prepared: the run.
      run: new, or that of an unfinished run.
      conclude: called just before the export appears, with what the results are made from; what it raises publishes
        nothing.

    Returns:
      What `conclude` was called with.

    Raises:
      UserError: other photos than those of the unfinished run; see `training.bank_filling.fill`,
        `training.phases.run`; or an export that is not good enough.
    """
    run.begin(prepared.config, prepared.examples)
    if prepared.plan.uses_bank:
        with prepared.watch.stage("extract"):
            _fill(prepared)
    with prepared.watch.stage("baselines"):
        simpler = _measure_baselines(prepared)
    outcome = _train(prepared, run)
    calibrated = _calibrate(prepared, outcome)
    with atomic_files.whole_file(run.classifier) as temporary:
        prepared.classifier.model.save(temporary)

    def finish(published: publishing.Published) -> Finished:
        return Finished(outcome, calibrated, simpler, published)

    def conclude_published(published: publishing.Published) -> None:
        prepared.watch.seconds.update(published.seconds)
        conclude(finish(published))

    published = publishing.publish(
        _candidate(prepared, run, calibrated.value),
        gates=prepared.config.publishing,
        batch_size=prepared.config.training.batch_size,
        conclude=conclude_published,
    )
    return finish(published)


def _measure_baselines(prepared: Prepared) -> Baselines:
    """Fits them on the features of the base as it was loaded, before a phase may change it."""
    bank = prepared.plan.banks[0] if prepared.plan.uses_bank else None

    def features_of(split: str) -> baselines.Features:
        part = prepared.examples.in_split(split)
        part = part.select(baselines.choose_examples(len(part)))
        values = clean_features.collect(
            prepared.classifier, part, bank=bank, config=prepared.config, precision_name=prepared.plan.precision
        )
        return baselines.Features(values.reshape(len(part), -1), part.label_ids)

    splits_present = prepared.examples.splits
    return baselines.measure(
        features_of("train"),
        {split: features_of(split) if split in splits_present else None for split in ("validation", "test")},
        training_examples=splits_present.count("train"),
    )


def _calibrate(prepared: Prepared, outcome: phases.Outcome) -> Temperature:
    """Fits a temperature on the validation split, if it is wanted, and divides the classifier's logits by it."""
    if not prepared.config.training.calibrate:
        return Temperature(1.0, "Not calibrated: --calibrate is off.")
    label_ids = prepared.examples.in_split("validation").label_ids
    fitted = temperature.fit(label_ids, outcome.validation_logits)
    classifiers.divide_logits(prepared.classifier.model, fitted.value)
    return fitted


def _train(prepared: Prepared, run: RunDirectory) -> phases.Outcome:
    config, examples = prepared.config, prepared.examples
    banks = dict(zip((phase.cut for phase in prepared.phases), prepared.plan.banks, strict=True))

    def inputs_of(phase: phases.Phase) -> phase_inputs.PhaseInputs:
        if prepared.plan.uses_bank:
            return phase_inputs.from_bank(
                prepared.classifier, banks[phase.cut], examples, config=config, epochs=phase.epochs
            )
        return phase_inputs.from_images(prepared.classifier, phase.cut, examples, config=config, epochs=phase.epochs)

    weights = None
    if config.training.class_weights == "balanced":
        weights = phases.balanced_class_weights(examples.in_split("train").class_counts())
    outcome = phases.run(
        prepared.classifier,
        prepared.phases,
        inputs_of,
        training=config.training,
        class_weights=weights,
        run_dir=run.path,
    )
    for result in outcome.phases:
        prepared.watch.seconds[result.phase.name] = result.seconds
    return outcome


def _fill(prepared: Prepared) -> None:
    planned, config = prepared.plan, prepared.config
    limit = config.training.feature_cache_max_bytes
    bank_storage.make_room(planned.cache_dir, needed_bytes=planned.bank_bytes, max_bytes=limit)
    if planned.gaps:
        bank_filling.fill(prepared.classifier, planned.banks, planned.gaps, config=config)
    else:
        terminal.say("\nThe feature bank holds every view already.")


def _candidate(prepared: Prepared, run: RunDirectory, fitted_temperature: float) -> publishing.Candidate:
    config, examples, classifier = prepared.config, prepared.examples, prepared.classifier
    test, other = examples.in_split("test"), config.output.compare_export_dir
    return publishing.Candidate(
        blueprint=Blueprint(
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
        temperature=fitted_temperature,
        examples=examples,
        test=test,
        samples=(test.paths or examples.in_split("validation").paths)[: publishing.SAMPLE_FILES],
        max_unreadable_fraction=config.source.max_unreadable_fraction,
        compare_with=Path(other) if other else None,
    )
