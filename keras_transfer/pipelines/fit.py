"""The third step of a training run: baselines, the phases, calibration. It ends with a classifier on the disk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_transfer import atomic_files, interruption
from keras_transfer.data import input_pipeline
from keras_transfer.evaluation import baselines, temperature
from keras_transfer.evaluation.baselines import Baselines
from keras_transfer.evaluation.temperature import Temperature
from keras_transfer.feature_bank import features
from keras_transfer.model import classifier as classifiers
from keras_transfer.pipelines.prepare import Prepared
from keras_transfer.run_directory import RunDirectory
from keras_transfer.training import phase_inputs, phases


@dataclass(frozen=True)
class Fitted:
    """What the training left; the classifier of `Prepared` now has these weights.

    Attributes:
      outcome: of the phases.
      temperature: by which the classifier's logits were divided.
      baselines: simpler classifiers on the same features.
    """

    outcome: phases.Outcome
    temperature: Temperature
    baselines: Baselines

    @property
    def validation_probabilities(self) -> NDArray[np.float32]:
        """Of the trained classifier: float32, shape (validation examples, classes)."""
        return temperature.probabilities(self.outcome.validation_logits, self.temperature.value)


def fit(prepared: Prepared, run: RunDirectory) -> Fitted:
    """Measures the baselines, trains the phases, calibrates, and writes the classifier.

    Args:
      prepared: with a filled bank, if it uses one.
      run: gets classifier.keras, checkpoints/ and tensorboard/.

    Raises:
      UserError: see `training.phases.run`; or a file that changed.
    """
    with _losses_told(prepared):
        with prepared.watch.stage("baselines"):
            simpler = _measure_baselines(prepared)
        outcome = _train(prepared, run)
    calibrated = _calibrate(prepared, outcome)
    with atomic_files.whole_file(run.classifier) as temporary:
        prepared.classifier.model.save(temporary)
    return Fitted(outcome, calibrated, simpler)


@contextlib.contextmanager
def _losses_told(prepared: Prepared) -> Iterator[None]:
    """Says of a Ctrl-C what is kept, and of a file that changed meanwhile its name."""
    kept = "The feature bank is kept, the epochs are not" if prepared.plan.uses_bank else "The epochs are not kept"
    try:
        with input_pipeline.as_user_errors():
            yield
    except KeyboardInterrupt as error:
        raise interruption.Interrupted(f"Interrupted. {kept}. Run the same command again.") from error


def _measure_baselines(prepared: Prepared) -> Baselines:
    """Fits them on the features of the base as it was loaded, before a phase may change it."""
    bank = prepared.plan.banks[0] if prepared.plan.uses_bank else None

    def features_of(split: str) -> baselines.Features:
        part = prepared.examples.in_split(split)
        part = part.select(baselines.choose_examples(len(part)))
        values = features.clean(prepared.classifier, part, bank=bank, config=prepared.config)
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
    banks = {bank.recipe.cut: bank for bank in prepared.plan.banks}

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
