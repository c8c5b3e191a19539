"""All that a report shows, as data: what is measured, how it was trained, and what goes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keras_transfer.evaluation.baselines import BaselineResults
from keras_transfer.evaluation.galleries import Gallery
from keras_transfer.evaluation.metrics import Metrics
from keras_transfer.evaluation.paired import OtherExport
from keras_transfer.evaluation.slices import Column
from keras_transfer.evaluation.temperature import Calibration
from keras_transfer.evaluation.unpaired import OwnTest

_HEADLINE_SPLITS = ("test", "all", "validation", "train")  # the most telling first


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a report shows.

    Attributes:
      title: heading of the page.
      class_names: in the order of the label ids.
      metrics: split ("test", "validation", "train", or "all" for images without splits) -> its metrics; None where
        there is no such split. At least one must be there.
      weights: of the base: imagenet, random, or a file; "" where it is not known.
      weights_note: why the weights are not the ones asked for; shown with the warning about random weights.
      history: phases in order: `phase` ("head" or "fine_tune"), `best_epoch` (from 1; 0 is none) and `epochs` (rows
        with epoch, loss, accuracy, validation_loss, validation_accuracy, learning_rate, seconds). Empty where nothing
        was trained.
      backbones_tried: where there were several, from `training.backbone_trials`.
      choice: what was tried for the head, from `choice.as_json`; empty where nothing was.
      fine_tuning: what it tried and brought after a chosen head, from `training.fine_tuning`; empty where nothing was.
      no_fine_tuning: why a chosen head was not fine-tuned, completing "because"; "" where it was.
      learning_curve: accuracy over the number of training images, from `learning_curve.measure`; empty where there is
        none.
      kept_phase: name of the phase whose weights were kept; "" where nothing was trained.
      kept_reason: a sentence saying why.
      seconds: stage -> seconds.
      examples: split -> class name -> number of examples; a class that is not named has none.
      left_out: (path, reason) of each file that was left out.
      leaked: split -> how many of these were in it and, byte for byte, in a split that is learned from.
      label_conflicts: number of files with the same bytes as one of another class.
      seen: split of training -> how many of the measured images were in it.
      configuration: setting -> value.
      paths: what -> where it lies.
      slices: of the headline split.
      calibration: None where nothing was fitted.
      baselines: simpler classifiers; None where there are none.
      comparison: with another export; None where there is none.
      own_test: how the metrics compare with the export's own test split; None where that is not known.
      galleries: of pictures.
      advice: sentences on the training images, such as unbalanced classes; they are among the next steps.
    """

    title: str
    class_names: Sequence[str]
    metrics: Mapping[str, Metrics | None]
    weights: str
    weights_note: str = ""
    history: Sequence[Mapping[str, Any]] = ()
    backbones_tried: Sequence[Mapping[str, Any]] = ()
    choice: Mapping[str, Any] = field(default_factory=dict)
    fine_tuning: Mapping[str, Any] = field(default_factory=dict)
    no_fine_tuning: str = ""
    learning_curve: Mapping[str, Any] = field(default_factory=dict)
    kept_phase: str = ""
    kept_reason: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    examples: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    left_out: Sequence[tuple[str, str]] = ()
    leaked: Mapping[str, int] = field(default_factory=dict)
    label_conflicts: int = 0
    seen: Mapping[str, int] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    slices: Sequence[Column] = ()
    calibration: Calibration | None = None
    baselines: BaselineResults | None = None
    comparison: OtherExport | None = None
    own_test: OwnTest | None = None
    galleries: Sequence[Gallery] = ()
    advice: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.measured.keys() & set(_HEADLINE_SPLITS):
            raise ValueError(
                f"metrics must hold those of one of {', '.join(_HEADLINE_SPLITS)}. Received: {list(self.metrics)}"
            )

    @property
    def measured(self) -> dict[str, Metrics]:
        """Split -> its metrics, of the splits that there are."""
        return {split: metrics for split, metrics in self.metrics.items() if metrics is not None}

    @property
    def headline_split(self) -> str:
        """The split whose metrics say most: test where there is one."""
        return next(split for split in _HEADLINE_SPLITS if split in self.measured)

    @property
    def headline(self) -> Metrics:
        """The metrics of `headline_split`."""
        return self.measured[self.headline_split]
