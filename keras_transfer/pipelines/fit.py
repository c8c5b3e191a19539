"""The third step of a training run: baselines, the phases, calibration. It ends with a classifier on the disk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_transfer import atomic_files
from keras_transfer.data import input_pipeline
from keras_transfer.evaluation import baselines, temperature
from keras_transfer.evaluation.baselines import Baselines
from keras_transfer.evaluation.temperature import Temperature
from keras_transfer.feature_bank import features
from keras_transfer.model import classifier as classifiers
from keras_transfer.model import cut
from keras_transfer.pipelines.choose import Chosen
from keras_transfer.pipelines.prepare import Prepared
from keras_transfer.run_directory import RunDirectory
from keras_transfer.training import fine_tuning, phase_inputs, phases
from keras_transfer.training.choice import Choice
from keras_transfer.training.fine_tuning import FineTuning
from keras_transfer.training.learning_curve import LearningCurve
from keras_transfer.training.training_images import columns_of


@dataclass(frozen=True)
class Fitted:
    """What the training left; the classifier of `Prepared` now has these weights.

    Attributes:
      outcome: of the phases.
      temperature: by which the classifier's logits were divided.
      baselines: simpler classifiers on the same features.
      choice: of the head; None where it was not chosen.
      fine_tuning: what it brought after a chosen head; None where there was none.
      curve: what more training images would bring; None where that was not measured.
    """

    outcome: phases.Outcome
    temperature: Temperature
    baselines: Baselines
    choice: Choice | None
    fine_tuning: FineTuning | None
    curve: LearningCurve | None

    @property
    def validation_probabilities(self) -> NDArray[np.float32]:
        """Of the trained classifier: float32, shape (validation examples, classes)."""
        return temperature.probabilities(self.outcome.validation_logits, self.temperature.value)


def fit(prepared: Prepared, chosen: Chosen | None, run: RunDirectory) -> Fitted:
    """Measures the baselines, trains the phases, calibrates, and writes the classifier.

    Args:
      prepared: with a filled bank, if it uses one.
      chosen: the head, if it was chosen.
      run: gets classifier.keras, checkpoints/ and tensorboard/.

    Raises:
      UserError: see `training.phases.run`; or a file that changed.
    """
    with input_pipeline.as_user_errors():
        with prepared.watch.stage("baselines"):
            simpler = _measure_baselines(prepared)
        outcome = _train(prepared, chosen, run)
        tuned = None
        if chosen and chosen.start:
            outcome, tuned = _fine_tune(prepared, chosen, outcome, run)
    calibrated = _calibrate(prepared, chosen, outcome)
    with atomic_files.whole_file(run.classifier) as temporary:
        prepared.classifier.model.save(temporary)
    choice, curve = (chosen.choice, chosen.curve) if chosen else (None, None)
    return Fitted(outcome, calibrated, simpler, choice, tuned, curve)


def _measure_baselines(prepared: Prepared) -> Baselines:
    """Fits them on the features of the base as it was loaded, before a phase may change it."""
    bank = prepared.plan.banks[0] if prepared.plan.uses_bank else None

    def features_of(split: str) -> baselines.Features:
        part = prepared.examples.in_split(split)
        part = part.select(baselines.choose_examples(len(part)))
        values = features.clean(prepared.network, part, bank=bank, config=prepared.config).reshape(len(part), -1)
        # Of several layers the first: the average of the highest one, which is what others use.
        return baselines.Features(values[:, : prepared.network.taps[0].width], part.label_ids)

    splits_present = prepared.examples.splits
    return baselines.measure(
        features_of("train"),
        {split: features_of(split) if split in splits_present else None for split in ("validation", "test")},
        training_examples=splits_present.count("train"),
    )


def _calibrate(prepared: Prepared, chosen: Chosen | None, outcome: phases.Outcome) -> Temperature:
    """Fits a temperature, if it is wanted, and divides the classifier's logits by it.

    On the validation split, or for a chosen head on the training images, each by the fold that had not seen it: there
    are more of them.
    """
    if not prepared.config.training.calibrate:
        return Temperature(1.0, "Not calibrated: --calibrate is off.")
    if chosen and chosen.choice.folds and outcome.kept_phase == phases.HEAD:
        fitted = temperature.fit(
            chosen.choice.label_ids, chosen.choice.logits.astype(np.float32), of="held-out training"
        )
    else:
        label_ids = prepared.examples.in_split("validation").label_ids
        fitted = temperature.fit(label_ids, outcome.validation_logits)
    classifiers.divide_logits(prepared.classifier.model, fitted.value)
    return fitted


def _stored(prepared: Prepared, chosen: Chosen | None, phase: phases.Phase) -> phase_inputs.Stored:
    """Where a phase's inputs are stored."""
    head_bank = prepared.plan.banks[0]
    if phase.name == phases.HEAD:
        return phase_inputs.Stored(head_bank, chosen.columns if chosen else None)
    own = next(bank for bank in prepared.plan.banks if bank.recipe.cut == phase.cut)
    below = cut.taps_below(prepared.classifier.model, phase.cut)
    if not below:
        return phase_inputs.Stored(own)
    of_head = {tap.name: tap for tap in prepared.classifier.taps}
    taps, wanted = prepared.network.taps, [of_head[name] for name in below]
    columns = [columns_of(taps, [tap.layer], [tap.pooling]) for tap in wanted]
    return phase_inputs.Stored(own, taps=(head_bank, columns))


def _train(prepared: Prepared, chosen: Chosen | None, run: RunDirectory) -> phases.Outcome:
    config, examples = prepared.config, prepared.examples

    def inputs_of(phase: phases.Phase) -> phase_inputs.PhaseInputs:
        if prepared.plan.uses_bank:
            stored = _stored(prepared, chosen, phase)
            return phase_inputs.from_bank(
                prepared.classifier, phase.cut, stored, examples, config=config, epochs=phase.epochs
            )
        return phase_inputs.from_images(prepared.classifier, phase.cut, examples, config=config, epochs=phase.epochs)

    outcome = phases.run(
        prepared.classifier,
        [phase for phase in prepared.phases if not (chosen and phase.name == phases.FINE_TUNE)],
        inputs_of,
        training=config.training,
        class_weights=_class_weights(prepared),
        run_dir=run.path,
        solution=chosen.solution if chosen else None,
    )
    for result in outcome.phases:
        prepared.watch.seconds[result.phase.name] = result.seconds
    return outcome


def _class_weights(prepared: Prepared) -> dict[int, float] | None:
    if prepared.config.training.class_weights != "balanced":
        return None
    return phases.balanced_class_weights(prepared.examples.in_split("train").class_counts())


def _fine_tune(
    prepared: Prepared, chosen: Chosen, solved: phases.Outcome, run: RunDirectory
) -> tuple[phases.Outcome, FineTuning]:
    """Goes on from the solved head."""
    config, phase = prepared.config, prepared.phases[-1]
    assert chosen.start is not None
    inputs = phase_inputs.from_bank(
        prepared.classifier,
        phase.cut,
        _stored(prepared, chosen, phase),
        prepared.examples,
        config=config,
        epochs=phase.epochs,
    )
    job = fine_tuning.Job(
        prepared.classifier, phase, inputs, config.training, _class_weights(prepared), run_dir=run.path
    )
    outcome, found = fine_tuning.run(job, chosen.start, solved)
    prepared.watch.seconds[phase.name] = found.seconds
    return outcome, found
