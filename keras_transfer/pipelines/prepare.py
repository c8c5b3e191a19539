"""The first step of a training run: the files read and split, the classifier built, the run planned. Writes nothing."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from keras_transfer import terminal
from keras_transfer.data import audit, class_balance, leaks, look_alikes, splits
from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.model import classifier as classifiers
from keras_transfer.model.classifier import Classifier
from keras_transfer.saved_model import reader, seen_images
from keras_transfer.settings import choosing
from keras_transfer.settings.config import SPLITS, TrainConfig
from keras_transfer.training import fine_tuning, fine_tuning_obstacles, phases, plan
from keras_transfer.training.backbone_trials import BackboneTrial


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
class Photos:
    """What was read, before any network is built.

    Attributes:
      examples: see `Prepared`; likewise all others.
      leaked: see there.
      near_leaks: see there.
      near_copies: see there.
      label_conflicts: see there.
      groups_of_training: see there.
    """

    examples: Examples
    leaked: dict[str, int]
    near_leaks: dict[str, int]
    near_copies: tuple[str, ...]
    label_conflicts: int
    groups_of_training: NDArray[np.int64]


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to be carried out.

    Attributes:
      config: of the run.
      examples: read and split.
      leaked: split -> number of images that were left out of it, because they stand in another split too.
      near_leaks: split -> number of its images that look the same as one that is trained on; they are in it.
      near_copies: what the plan says of images that look the same, a sentence each.
      label_conflicts: number of files with the same bytes as one of another class.
      classifier: built, not trained.
      network: the same, or where the head is chosen, the one whose head stands on the features of all candidates, which
        the bank stores.
      no_choice: why the head is not chosen; "" where it is.
      no_fine_tuning: why there is no fine-tune phase; "" where there is one.
      groups_of_training: number of the group of each training image, which stays in one fold, shape (images,).
      phases: with their cuts.
      plan: of the inputs and their cost.
      watch: started with the run.
      backbones_tried: where there were several.
    """

    config: TrainConfig
    examples: Examples
    leaked: dict[str, int]
    near_leaks: dict[str, int]
    near_copies: tuple[str, ...]
    label_conflicts: int
    classifier: Classifier
    network: Classifier
    no_choice: str
    no_fine_tuning: str
    groups_of_training: NDArray[np.int64]
    phases: tuple[phases.Phase, ...]
    plan: plan.Plan
    watch: Stopwatch
    backbones_tried: tuple[BackboneTrial, ...] = ()

    @property
    def balance_advice(self) -> str:
        """What to do about classes with far fewer training images than others, or ''."""
        train = self.examples.in_split("train")
        counts = dict(zip(train.class_names, train.class_counts().tolist(), strict=True))
        return class_balance.advice(counts, class_weights=self.config.training.class_weights)

    def __enter__(self) -> Prepared:
        return self

    def __exit__(self, *_: object) -> None:
        self.plan.close()


def prepare(config: TrainConfig, found: Examples, *, started: float) -> Prepared:
    """Reads the files, splits them, builds the classifier and plans the run; writes nothing. The caller closes it.

    Args:
      config: of the run.
      found: what a source returned.
      started: `time.perf_counter()` when the command began.
    """
    watch = Stopwatch(started)
    return build(config, read(config, found, watch), watch)


def read(config: TrainConfig, found: Examples, watch: Stopwatch) -> Photos:
    """Reads the files and splits them.

    Args:
      config: of the run.
      found: what a source returned.
      watch: of the run.
    """
    with watch.stage("read"):
        read, seen = audit.read_all(found, source=config.source, image=config.image)
        alike = look_alikes.find(read, seen, image=config.image, max_pixels=config.source.max_image_pixels)
        examples = splits.assign(
            read,
            validation_fraction=config.split.validation_fraction,
            test_fraction=config.split.test_fraction,
            seed=config.split.split_seed,
            look_alikes=alike,
        )
        notes = look_alikes.notes(examples, alike, carved=splits.to_carve(read))
        label_conflicts = leaks.count_label_conflicts(examples)
        examples, leaked = leaks.leave_out(examples)
        near_leaks = leaks.count_near_copies(examples, alike)
        _refuse_gates_without_test(config, examples)
    groups = _groups(examples.in_split("train"), alike)
    return Photos(examples, leaked, near_leaks, tuple(notes), label_conflicts, groups)


def build(
    config: TrainConfig, photos: Photos, watch: Stopwatch, *, backbones_tried: tuple[BackboneTrial, ...] = ()
) -> Prepared:
    """Builds the classifier and plans the run; writes nothing. The caller closes it.

    Args:
      config: of the run, with one backbone.
      photos: from `read`.
      watch: of the run.
      backbones_tried: where there were several.
    """
    examples = photos.examples
    no_choice = choosing.obstacle(config, len(examples.class_names))
    with watch.stage("build"):
        classifier = classifiers.build(
            config.model if no_choice else choosing.all_features(config.model),
            class_count=len(examples.class_names),
            image_size=config.image.image_size,
            seed=config.training.seed,
            allow_download=config.source.allow_download,
        )
        planned, no_fine_tuning = _plan_phases(classifier, config, examples, is_solved=not no_choice)
        _check_other_export(config.output.compare_export_dir)
        costs = plan.make(classifier, planned, examples, config=config)
    return Prepared(
        config=config,
        examples=examples,
        leaked=photos.leaked,
        near_leaks=photos.near_leaks,
        near_copies=photos.near_copies,
        label_conflicts=photos.label_conflicts,
        classifier=classifier,
        network=classifier,
        no_choice=no_choice,
        no_fine_tuning=no_fine_tuning,
        groups_of_training=photos.groups_of_training,
        phases=planned,
        plan=costs,
        watch=watch,
        backbones_tried=backbones_tried,
    )


def _plan_phases(
    classifier: Classifier, config: TrainConfig, examples: Examples, *, is_solved: bool
) -> tuple[tuple[phases.Phase, ...], str]:
    """The phases, and why there is no fine-tune phase, or ""."""
    planned = phases.plan(classifier, config.training, is_solved=is_solved)
    if not is_solved:
        return planned, "" if len(planned) > 1 else "its recipe has none"
    train, validation = (examples.splits.count(split) for split in ("train", "validation"))
    no = fine_tuning_obstacles.obstacle(config.training, training_images=train, validation_images=validation)
    return (planned, no) if no else ((*planned, fine_tuning.phase(classifier, config.training)), "")


def _groups(train: Examples, alike: look_alikes.LookAlikes) -> NDArray[np.int64]:
    """The number of each image's group: of the source's groups, and of images that look the same."""
    numbers = np.arange(len(train))
    named: dict[str, int] = {}
    for place, name in enumerate(train.groups):
        if name:
            numbers[place] = named.setdefault(name, place)
    for group in look_alikes.groups(train, alike):
        numbers[np.isin(numbers, numbers[group])] = numbers[group[0]]
    return numbers


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


def _in_words(phase: phases.Phase, prepared: Prepared) -> str:
    if phase.epochs:
        tries = f"{phase.tries} tries of up to " if phase.tries > 1 else ""
        return f"{tries}{phase.epochs} epochs above {phase.cut}"
    layers = dict.fromkeys(tap.layer for tap in prepared.network.taps)
    return f"chosen by cross-validation, on up to {len(layers)} layers: {', '.join(layers)}"


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
            *(("near copies", note) for note in prepared.near_copies),
            (
                "classifier",
                f"{config.model.backbone}, {prepared.classifier.weights} weights, {config.image.image_size} pixels",
            ),
            *((phase.name, _in_words(phase, prepared)) for phase in prepared.phases),
            *([("no choice", f"of the head, because {prepared.no_choice}")] if prepared.no_choice else []),
            *([("no fine-tuning", f"because {prepared.no_fine_tuning}")] if prepared.no_fine_tuning else []),
            *plan.rows(prepared.plan),
        ],
        title="Plan",
    )
    if prepared.classifier.weights_note:
        terminal.warn(prepared.classifier.weights_note)
    if prepared.balance_advice:
        terminal.warn(prepared.balance_advice)
    if not counts["test"]:
        terminal.warn(
            "There is no test split, so the report will have no test metrics. To get them, add a test/ folder beside "
            "train/, or rows of the split test to a table; without splits it takes --test_fraction above 0 and at "
            "least three images of a class."
        )
