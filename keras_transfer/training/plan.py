"""What a run will cost with the feature bank and without it, and which of the two it takes."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from keras_transfer.data.examples import Examples
from keras_transfer.feature_bank import disk_space, features, filling
from keras_transfer.feature_bank.filling import MissingFeatures
from keras_transfer.feature_bank.store import Store
from keras_transfer.model import cut, precision
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import TrainConfig
from keras_transfer.training.phases import Phase

# A training step computes the forward pass, the gradient of the activations and that of the weights, each about as
# costly as the first.
_TRAINING_STEP_PASSES = 3
_COVERED = "for the network's passes in both phases; reading and rendering photos, export, test and report come on top"
_RATE_BATCH = 8  # images: enough to be within 10% of the rate at the bank's own batch size


@dataclass(frozen=True)
class Cost:
    """Work of a way to train.

    Attributes:
      frozen_images: passes of one image through the frozen part.
      multiply_accumulates: of all phases together.
      seconds: at the measured rate.
    """

    frozen_images: int
    multiply_accumulates: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """How a run gets its inputs, and what that costs.

    Attributes:
      uses_bank: from the feature bank, or from the images in every epoch.
      reason: a sentence saying why.
      banks: one for each phase, opened; none where the bank is switched off. Closed by `close`.
      missing: what they lack.
      bank: cost with it; None where it is switched off.
      online: cost without it.
      bank_bytes: that filling will write.
      stored_bytes: that all banks of the cache take already.
      precision: arithmetic of the frozen part.
      fine_tune_seconds: at most, of the fine-tune phase; None where there is none.
    """

    uses_bank: bool
    reason: str
    banks: tuple[Store, ...]
    missing: tuple[MissingFeatures, ...]
    bank: Cost | None
    online: Cost
    bank_bytes: int
    stored_bytes: int
    precision: str
    fine_tune_seconds: float | None = None

    def close(self) -> None:
        """Closes the banks."""
        for bank in self.banks:
            bank.close()


def make(classifier: Classifier, phases: Sequence[Phase], examples: Examples, *, config: TrainConfig) -> Plan:
    """Plans a run; writes nothing.

    Args:
      classifier: built.
      phases: with their cuts.
      examples: read and split.
      config: views, precision and what `--feature_cache` says.

    Raises:
      UserError: the bank is to be used and does not fit, or an unusable folder.
    """
    arithmetic = precision.resolve(config.training.precision)
    if config.training.feature_cache == "off":
        online = _online_cost(classifier, phases, examples, _rate(classifier, phases, arithmetic))
        return Plan(False, "--feature_cache=off", (), (), None, online, 0, 0, "float32")
    with contextlib.ExitStack() as opened:
        cuts = [phase.cut for phase in phases]
        banks = filling.open_banks(classifier, cuts, config=config, precision_name=arithmetic)
        for bank in banks:
            opened.enter_context(bank)
        planned = _compare(classifier, phases, examples, banks, config=config)
        opened.pop_all()  # from now on `Plan.close` closes them
    return dataclasses.replace(planned, fine_tune_seconds=_fine_tune_seconds(classifier, phases, examples))


def _fine_tune_seconds(classifier: Classifier, phases: Sequence[Phase], examples: Examples) -> float | None:
    """Of all epochs of a fine-tune phase after a chosen head, whose part is trained in float32."""
    work = sum(
        _epoch_work(classifier, phase, examples) * phase.epochs * phase.tries for phase in phases if phase.tries > 1
    )
    return work / _rate(classifier, phases, "float32") if work else None


def _compare(
    classifier: Classifier,
    phases: Sequence[Phase],
    examples: Examples,
    banks: tuple[Store, ...],
    *,
    config: TrainConfig,
) -> Plan:
    """The plan, whose costs decide where `--feature_cache` does not."""
    cache, arithmetic = disk_space.cache_of(config.training), banks[0].recipe.precision
    missing = filling.find_missing(banks, examples)
    rate = _rate(classifier, phases, arithmetic) if missing else float("inf")
    bank = _bank_cost(classifier, phases, examples, sum(part.record_count for part in missing), rate)
    # The choice changes the arithmetic and so the metrics: what happens to be stored already must not decide it.
    empty_bank = _bank_cost(classifier, phases, examples, _all_views(examples, config), rate)
    online = _online_cost(classifier, phases, examples, rate)
    needed = filling.needed_bytes(banks, missing)
    shortage = cache.shortage(needed)
    if shortage and config.training.feature_cache == "on":
        raise disk_space.too_large(shortage)
    is_needed = not phases[0].epochs
    uses_bank, reason = _choose(config, bank=empty_bank, online=online, shortage=shortage, is_needed=is_needed)
    return Plan(
        uses_bank=uses_bank,
        reason=reason,
        banks=banks,
        missing=tuple(missing),
        bank=bank,
        online=online,
        bank_bytes=needed,
        stored_bytes=cache.size_bytes(),
        precision=arithmetic if uses_bank else "float32",
    )


def rows(plan: Plan) -> list[tuple[str, str]]:
    """The plan as lines for the terminal."""
    lines = [("feature bank", ("on: " if plan.uses_bank else "off: ") + plan.reason)]
    if plan.bank is not None:
        lines.append(("with the bank", _cost_text(plan.bank)))
    lines.append(("without it", _cost_text(plan.online)))
    if plan.fine_tune_seconds is not None:
        lines.append(("fine-tuning", f"about {plan.fine_tune_seconds / 60:,.1f} minutes, if no try ends early"))
    if plan.online.seconds:
        lines.append(("seconds", _COVERED))
    if plan.bank is not None:
        to_write = f"{plan.bank_bytes:,} bytes to write" if plan.uses_bank else f"would take {plan.bank_bytes:,} bytes"
        lines.append(("bank on disk", f"{to_write}; {plan.stored_bytes:,} in {plan.banks[0].folder} already"))
    return [*lines, ("precision", f"{plan.precision} below the cut, float32 above it")]


def _cost_text(cost: Cost) -> str:
    seconds = f", about {cost.seconds:,.0f} s" if cost.seconds else ""
    return f"{cost.frozen_images:,} frozen passes, {cost.multiply_accumulates / 1e9:,.0f} GMAC{seconds}"


def _bank_cost(
    classifier: Classifier, phases: Sequence[Phase], examples: Examples, frozen_images: int, rate: float
) -> Cost:
    frozen = frozen_images * _frozen_work(classifier, [phase.cut for phase in phases])
    trained = sum(_epoch_work(classifier, phase, examples) * phase.epochs * phase.tries for phase in phases)
    return Cost(frozen_images, frozen + trained, (frozen + trained) / rate)


def _all_views(examples: Examples, config: TrainConfig) -> int:
    """Records of a bank that holds all that a run wants: every view of training images, one of validation images."""
    train, validation = (set(examples.in_split(split).sha256) for split in ("train", "validation"))
    return len(train) * (config.views.augmented_views + 1) + len(validation - train)


def _online_cost(classifier: Classifier, phases: Sequence[Phase], examples: Examples, rate: float) -> Cost:
    counted = sum(split != "test" for split in examples.splits)
    frozen_images = sum(phase.epochs * phase.tries * counted for phase in phases)
    frozen = sum(phase.epochs * phase.tries * counted * _frozen_work(classifier, [phase.cut]) for phase in phases)
    trained = sum(_epoch_work(classifier, phase, examples) * phase.epochs * phase.tries for phase in phases)
    return Cost(frozen_images, frozen + trained, (frozen + trained) / rate)


def _frozen_work(classifier: Classifier, cuts: Sequence[str]) -> int:
    """Multiply-accumulates of one image below the highest of the cuts, which contains all below the others."""
    return cut.multiply_accumulates(cut.frozen_part(classifier.model, list(cuts)))


def _epoch_work(classifier: Classifier, phase: Phase, examples: Examples) -> int:
    """Multiply-accumulates above the cut in one epoch: a training step an example, a forward pass for validation."""
    work = cut.multiply_accumulates(cut.trainable_part(classifier.model, phase.cut))
    passes = sum({"train": _TRAINING_STEP_PASSES, "validation": 1}.get(split, 0) for split in examples.splits)
    return work * passes


def _rate(classifier: Classifier, phases: Sequence[Phase], arithmetic: str) -> float:
    """Multiply-accumulates a second of the frozen part, measured on one batch."""
    cuts = [phase.cut for phase in phases]
    compute = features.make_frozen_function(classifier, cuts, arithmetic)
    images = tf.zeros((_RATE_BATCH, *classifier.model.input_shape[1:]))
    compute(images)  # the first call lays out the weights for the processor
    started = time.perf_counter()
    compute(images)[0].numpy()  # waits for the device
    return _RATE_BATCH * _frozen_work(classifier, cuts) / (time.perf_counter() - started)


def _choose(config: TrainConfig, *, bank: Cost, online: Cost, shortage: str, is_needed: bool) -> tuple[bool, str]:
    if config.training.feature_cache == "on":
        return True, "--feature_cache=on"
    if shortage and is_needed:
        raise disk_space.too_large(shortage)
    if is_needed:
        return True, "the head is chosen from it"
    if shortage:
        return False, f"there is no room for it: {shortage}"
    if bank.multiply_accumulates > online.multiply_accumulates:
        return False, "so few epochs over so many views are cheaper without it"
    share = bank.multiply_accumulates / max(online.multiply_accumulates, 1)
    return True, f"{share:.1%} of the work without it"
