"""Which files an inspection proposes to leave out, as a list for `--exclude_list`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keras_transfer.data.exclusions import Exclusion
from keras_transfer.inspection.findings import KINDS, Finding

# Left out where nobody objects. All others of `_SUGGESTED` need a person's eye, and stand in the list as comments.
_CERTAIN = ("unreadable", "damaged", "exact_copies_of_two_classes")
_ONE_IS_KEPT = ("exact_copies_across_splits", "near_copies_across_splits", "exact_copies")
_SUGGESTED = (
    "near_copies_of_two_classes",
    "suspected_label",
    "similar_across_splits",
    "similar_of_two_classes",
    "near_copies",
    "nearly_constant",
)
# Of copies in several splits the one is kept whose loss would cost most: tests are small.
_KEPT_FIRST = ("test", "validation", "train", "")


def choose(found: Sequence[Finding], split_of: Mapping[str, str]) -> list[Exclusion]:
    """The files to leave out, each once, and those that are only suggested.

    Left out are unreadable and damaged files, all copies with two labels, and all but one of other copies: the one
    in the test is kept, else the one in validation. What needs a person's eye is only suggested.

    Args:
      found: findings.
      split_of: path -> split, of the readable files.
    """
    chosen: dict[str, Exclusion] = {}
    for kind in (*_CERTAIN, *_ONE_IS_KEPT, *_SUGGESTED):
        for item in (item for item in found if item.kind == kind):
            for file in _spare_files(item, split_of):
                reason = f"{KINDS[kind].title}: {item.sentence}"
                chosen.setdefault(file, Exclusion(file, " ".join(reason.split()), is_active=kind not in _SUGGESTED))
    return list(chosen.values())


def unsolved(found: Sequence[Finding], chosen: Sequence[Exclusion], split_of: Mapping[str, str]) -> list[Finding]:
    """The errors that remain where the chosen files are left out."""
    dropped = {item.path for item in chosen if item.is_active}

    def remains(item: Finding) -> bool:
        left = [file for file in item.files if file not in dropped]
        if item.kind == "group_split_apart":
            return len({split_of[file] for file in left}) > 1
        return item.kind not in (*_CERTAIN, *_ONE_IS_KEPT) and len(left) > 1

    return [item for item in found if item.severity == "error" and remains(item)]


def _spare_files(item: Finding, split_of: Mapping[str, str]) -> list[str]:
    """The files of a finding that can go; where they lie in several splits, those of one split stay."""
    if item.kind in _CERTAIN or len(item.files) == 1:
        return list(item.files)
    ordered = sorted(item.files, key=lambda file: _KEPT_FIRST.index(split_of[file]))
    if item.kind == "near_copies_across_splits":
        return [file for file in ordered if split_of[file] != split_of[ordered[0]]]
    return ordered[1:]
