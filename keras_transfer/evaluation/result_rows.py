"""Rows of the table that closes `evaluate` on the terminal: (name, text), for what not every export has."""

from __future__ import annotations

from keras_transfer.evaluation.metrics import Metrics
from keras_transfer.evaluation.paired import OtherExport
from keras_transfer.evaluation.unpaired import OwnTest


def of_accepted(measured: Metrics, abstain_below: float) -> list[tuple[str, str]]:
    """How many answers an export accepts, and how many of them are right; no row where it never abstains.

    Args:
      measured: from `metrics.measure` with that `abstain_below`.
      abstain_below: in [0, 1).
    """
    if not abstain_below:
        return []
    row = next(row for row in measured.thresholds if row.threshold == abstain_below)
    accuracy = f", accuracy among them {row.accuracy:.4f}" if row.examples else ""
    return [("accepted", f"{row.coverage:.1%} of the answers{accuracy}")]


def of_own_test(own: OwnTest | None) -> list[tuple[str, str]]:
    """The accuracy on the export's own test split; no row where that is not known."""
    if own is None:
        return []
    low, high = own.interval
    differs = ": these photos differ from those it was trained on" if own.differs else ""
    return [("its own test", f"accuracy {own.accuracy:.4f} (95%: {low:.3f} to {high:.3f}){differs}")]


def of_comparison(measured: Metrics, compared: OtherExport) -> list[tuple[str, str]]:
    """Metrics of both exports, the difference, and whether chance explains it.

    Args:
      measured: of the one export.
      compared: the other.
    """
    other, paired = compared.evaluation, compared.paired
    rows = []
    for name, row in compared.differences.items():
        low, high = row.interval or (row.difference,) * 2
        values = f"{getattr(measured, name):.4f} against {getattr(other, name):.4f}"
        text = f"{values}: {row.difference:+.4f} ({low:+.4f} to {high:+.4f})"
        rows.append((name.replace("_", " "), text))
    right = f"{paired.only_new_right} against {paired.only_earlier_right}"
    return [*rows, ("right alone", f"{right}: {paired.verdict} (p = {paired.p_value:.3g})")]
