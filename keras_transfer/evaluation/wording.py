"""Words that several sentences of a report share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_transfer.evaluation.report_data import Report

_MAX_NAMES = 5


def images(report: Report) -> str:
    """What the measured images are called: of their split, where they have one."""
    return "images" if report.headline_split == "all" else f"{report.headline_split} images"


def name_list(names: Sequence[str]) -> str:
    """Names in quotation marks, the first five of many."""
    more = f" and {len(names) - _MAX_NAMES:,} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(f"“{name}”" for name in names[:_MAX_NAMES]) + more
