"""What an inspection comes to: what is wrong in one sentence, and whether these images can be trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from keras_transfer.inspection.findings import KINDS, Finding, by_kind, count_severities


@dataclass(frozen=True)
class Conclusion:
    """An inspection in two sentences.

    Attributes:
      level: go, wait (errors that need a person first) or stop (training would refuse the images).
      decision: whether one can train, and what must be done first.
      found: what is wrong.
    """

    level: str
    decision: str
    found: str


def draw(
    findings: list[Finding], *, unsolved: Sequence[Finding], left_out: int, proposed: int, obstacle: str
) -> Conclusion:
    """Sums an inspection up.

    Args:
      findings: all of them.
      unsolved: errors that remain when exclude.txt is used.
      left_out: how many files exclude.txt leaves out.
      proposed: how many more it names in comments, for a person to decide.
      obstacle: why training would refuse what remains; "" where it would not.
    """
    errors = count_severities(findings)["error"]
    found = _what_is_wrong(findings)
    if left_out or proposed:
        found += f" exclude.txt leaves out {left_out:,} files and proposes {proposed:,} more as comments."
    if obstacle:
        return Conclusion("stop", f"You cannot train on these images yet: {obstacle}", found)
    if unsolved:
        kinds = Counter(KINDS[item.kind].title for item in unsolved)
        told = "; ".join(f"{title} ({count:,})" for title, count in kinds.items())
        return Conclusion("wait", f"Do not train yet. These errors need your decision first: {told}.", found)
    if errors:
        return Conclusion("go", "You can train with exclude.txt, which solves every error.", found)
    if count_severities(findings)["warning"]:
        return Conclusion("go", "You can train on these images; look at the warnings first.", found)
    return Conclusion("go", "You can train on these images.", found)


def _what_is_wrong(findings: list[Finding]) -> str:
    counts, kinds = count_severities(findings), by_kind(findings)
    if not counts["error"] and not counts["warning"]:
        return "Nothing wrong was found."
    parts = []
    for severity in ("error", "warning"):
        titles = [
            f"{KINDS[kind].title} ({len(items):,})" for kind, items in kinds.items() if KINDS[kind].severity == severity
        ]
        plural = "s" if counts[severity] != 1 else ""
        parts += [f"{counts[severity]:,} {severity}{plural}: {'; '.join(titles)}."] if titles else []
    return " ".join(parts)
