"""What a run will cost with the feature bank and without it, and which of the two it takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from keras_transfer.config import TrainConfig
from keras_transfer.data.examples import Examples
from keras_transfer.model import cut, precision
from keras_transfer.model.classifier import Classifier
from keras_transfer.training import bank_filling, bank_storage
from keras_transfer.training.bank_filling import Gap
from keras_transfer.training.feature_bank import FeatureBank, Recipe
from keras_transfer.training.phases import Phase

# A training step computes the forward pass, the gradient of the activations and that of the weights, each about as
# costly as the first.
_TRAINING_STEP_PASSES = 3
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
      banks: one for each phase, opened.
      gaps: what they lack.
      bank: cost with it.
      online: cost without it.
      bank_bytes: that filling will write.
      stored_bytes: that all banks of the cache take already.
      precision: arithmetic of the frozen part.
      cache_dir: of the banks.
    """

    uses_bank: bool
    reason: str
    banks: tuple[FeatureBank, ...]
    gaps: tuple[Gap, ...]
    bank: Cost
    online: Cost
    bank_bytes: int
    stored_bytes: int
    precision: str
    cache_dir: Path


def make(classifier: Classifier, phases: Sequence[Phase], examples: Examples, *, config: TrainConfig) -> Plan:
    """Plans a run; writes nothing.

    Args:
      classifier: built.
      phases: with their cuts.
      examples: read and split.
      config: views, precision and what `--feature_cache` says.
    """
    cache_dir = Path(config.training.feature_cache_dir or bank_storage.default_cache_dir())
    arithmetic = precision.resolve(config.training.precision)
    banks = open_banks(classifier, phases, config=config, arithmetic=arithmetic, cache_dir=cache_dir)
    gaps = bank_filling.find_gaps(banks, examples)
    cuts = [phase.cut for phase in phases]
    rate = _rate(classifier, cuts, arithmetic) if gaps else float("inf")
    bank = _bank_cost(classifier, phases, examples, gaps, rate)
    online = _online_cost(classifier, phases, examples, rate)
    needed = bank_filling.needed_bytes(banks, gaps)
    uses_bank, reason = _choose(
        config, bank=bank, online=online, needed=needed, free=bank_storage.free_bytes(cache_dir)
    )
    return Plan(
        uses_bank=uses_bank,
        reason=reason,
        banks=banks,
        gaps=tuple(gaps),
        bank=bank,
        online=online,
        bank_bytes=needed,
        stored_bytes=bank_storage.size_bytes(cache_dir),
        precision=arithmetic if uses_bank else "float32",
        cache_dir=cache_dir,
    )


def open_banks(
    classifier: Classifier, phases: Sequence[Phase], *, config: TrainConfig, arithmetic: str, cache_dir: Path
) -> tuple[FeatureBank, ...]:
    """The bank of each phase's cut."""
    banks = []
    for phase in phases:
        frozen = cut.frozen_part(classifier.model, [phase.cut])
        recipe = Recipe(
            frozen_part=cut.fingerprint(frozen),
            cut=phase.cut,
            record_shape=cut.record_shape(classifier.model, phase.cut),
            precision=arithmetic,
            image=config.image,
            views=config.views,
            seed=config.training.seed,
        )
        banks.append(FeatureBank(cache_dir, recipe))
    return tuple(banks)


def rows(plan: Plan) -> list[tuple[str, str]]:
    """The plan as lines for the terminal."""
    to_write = f"{plan.bank_bytes:,} bytes to write" if plan.uses_bank else f"would take {plan.bank_bytes:,} bytes"
    return [
        ("feature bank", ("on: " if plan.uses_bank else "off: ") + plan.reason),
        ("with the bank", _cost_text(plan.bank)),
        ("without it", _cost_text(plan.online)),
        ("bank on disk", f"{to_write}; {plan.stored_bytes:,} in {plan.cache_dir} already"),
        ("precision", f"{plan.precision} below the cut, float32 above it"),
    ]


def _cost_text(cost: Cost) -> str:
    seconds = f", about {cost.seconds:,.0f} s" if cost.seconds else ""
    return f"{cost.frozen_images:,} frozen passes, {cost.multiply_accumulates / 1e9:,.0f} GMAC{seconds}"


def _bank_cost(
    classifier: Classifier, phases: Sequence[Phase], examples: Examples, gaps: Sequence[Gap], rate: float
) -> Cost:
    frozen_images = sum(gap.record_count for gap in gaps)
    frozen = frozen_images * _frozen_work(classifier, [phase.cut for phase in phases])
    trained = sum(_epoch_work(classifier, phase, examples) * phase.epochs for phase in phases)
    return Cost(frozen_images, frozen + trained, (frozen + trained) / rate)


def _online_cost(classifier: Classifier, phases: Sequence[Phase], examples: Examples, rate: float) -> Cost:
    counted = sum(split != "test" for split in examples.splits)
    frozen_images = sum(phase.epochs * counted for phase in phases)
    frozen = sum(phase.epochs * counted * _frozen_work(classifier, [phase.cut]) for phase in phases)
    trained = sum(_epoch_work(classifier, phase, examples) * phase.epochs for phase in phases)
    return Cost(frozen_images, frozen + trained, (frozen + trained) / rate)


def _frozen_work(classifier: Classifier, cuts: Sequence[str]) -> int:
    """Multiply-accumulates of one image below the highest of the cuts, which contains all below the others."""
    return cut.multiply_accumulates(cut.frozen_part(classifier.model, list(cuts)))


def _epoch_work(classifier: Classifier, phase: Phase, examples: Examples) -> int:
    """Multiply-accumulates above the cut in one epoch: a training step an example, a forward pass for validation."""
    work = cut.multiply_accumulates(cut.trainable_part(classifier.model, phase.cut))
    passes = sum({"train": _TRAINING_STEP_PASSES, "validation": 1}.get(split, 0) for split in examples.splits)
    return work * passes


def _rate(classifier: Classifier, cuts: Sequence[str], arithmetic: str) -> float:
    """Multiply-accumulates a second of the frozen part, measured on one batch."""
    compute = bank_filling.make_frozen_function(classifier, cuts, arithmetic)
    images = tf.zeros((_RATE_BATCH, *classifier.model.input_shape[1:]))
    compute(images)  # the first call lays out the weights for the processor
    started = time.perf_counter()
    outputs, _ = compute(images)
    outputs[0].numpy()  # waits for the device
    return _RATE_BATCH * _frozen_work(classifier, cuts) / (time.perf_counter() - started)


def _choose(config: TrainConfig, *, bank: Cost, online: Cost, needed: int, free: int) -> tuple[bool, str]:
    wanted, limit = config.training.feature_cache, config.training.feature_cache_max_bytes
    if wanted != "auto":
        return wanted == "on", f"--feature_cache={wanted}"
    if needed > free:
        return False, f"the bank would take {needed:,} bytes and the disk has {free:,} free"
    if limit and needed > limit:
        return False, f"the bank would take {needed:,} bytes, more than --feature_cache_max_bytes"
    if bank.multiply_accumulates > online.multiply_accumulates:
        return False, "so few epochs over so many views are cheaper without it"
    share = bank.multiply_accumulates / max(online.multiply_accumulates, 1)
    return True, f"{share:.1%} of the work without it"
