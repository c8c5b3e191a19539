"""The same bytes or picture in two splits, whose metrics would be of what was trained on; or under two labels."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping

from keras_transfer import terminal
from keras_transfer.data.examples import Examples, LeftOut
from keras_transfer.data.look_alikes import LookAlikes
from keras_transfer.errors import UserError

# Split -> those whose files must not be in it. Validation chooses the weights, so it may not be in the test either.
_MUST_NOT_REPEAT: Mapping[str, tuple[str, ...]] = {"validation": ("train",), "test": ("train", "validation")}


def leave_out(examples: Examples) -> tuple[Examples, dict[str, int]]:
    """Leaves out of validation and test what stands byte for byte in a split that the classifier learns from.

    Args:
      examples: read and split.

    Returns:
      The other examples, in order, the leaked ones in their `left_out`; and how many were left out of each of
      validation and test.

    Raises:
      UserError: nothing is left of a split.
    """
    seen = {split: _first_of_each(examples, split) for split in ("train", "validation")}
    reasons: dict[int, str] = {}
    for index, (digest, split) in enumerate(zip(examples.sha256, examples.splits, strict=True)):
        for other in _MUST_NOT_REPEAT.get(split, ()):
            if digest in seen[other]:
                twin = examples.paths[seen[other][digest]]
                reasons[index] = f"leaked: {twin}, which is in {other}, has the same bytes; left out of the {split}"
                break
    left_out = [LeftOut(examples.paths[index], reason, is_unreadable=False) for index, reason in reasons.items()]
    kept = examples.select([index for index in range(len(examples)) if index not in reasons])
    counts = {split: sum(examples.splits[index] == split for index in reasons) for split in _MUST_NOT_REPEAT}
    _refuse_emptied(examples, kept)
    _report(counts)
    return dataclasses.replace(kept, left_out=(*examples.left_out, *left_out)), counts


def count_label_conflicts(examples: Examples) -> int:
    """How many files have the same bytes as a file of another class, of which one label must be wrong; warns of them.

    Args:
      examples: read, in any splits.
    """
    files: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for digest, label_id, path in zip(examples.sha256, examples.label_ids.tolist(), examples.paths, strict=True):
        files[digest].append((label_id, path))
    conflicts = [sorted(group) for group in files.values() if len({label_id for label_id, _ in group}) > 1]
    count = sum(map(len, conflicts))
    if conflicts:
        # The first and the last of a group have different labels, as it is sorted by them.
        pair = " and ".join(path for _, path in (conflicts[0][0], conflicts[0][-1]))
        terminal.warn(
            f"{count} files have the same bytes as a file of another class, such as {pair}: one label is wrong. "
            "python -m keras_transfer.inspect_data lists them all."
        )
    return count


def count_near_copies(examples: Examples, found: LookAlikes) -> dict[str, int]:
    """How many images of validation and test look the same as one that is trained on; warns of them.

    They stay where the source put them: whether they are copies or shots of one scene, a person has to see.

    Args:
      examples: read and split.
      found: among them.
    """
    partners = defaultdict(list)
    for one, other in found.pairs:
        partners[one].append(other)
        partners[other].append(one)
    trained = _first_of_each(examples, "train")
    counts = dict.fromkeys(_MUST_NOT_REPEAT, 0)
    pairs: dict[str, str] = {}  # split -> the paths of one pair
    for digest, path, split in zip(examples.sha256, examples.paths, examples.splits, strict=True):
        twins = [trained[other] for other in partners[digest] if other in trained]
        if twins and split in counts:
            counts[split] += 1
            pairs.setdefault(split, f"{path} and {examples.paths[twins[0]]}")
    for split, pair in pairs.items():
        terminal.warn(
            f"leak: {counts[split]:,} of the {examples.splits.count(split):,} {split} images look the same as one that "
            f"is trained on (resized, re-encoded, mirrored or of one burst), such as {pair}. They stay in the {split} "
            "and make its metrics too good. python -m keras_transfer.inspect_data lists them."
        )
    return counts


def _first_of_each(examples: Examples, split: str) -> dict[str, int]:
    """Digest -> index of the first file of a split that has it."""
    first: dict[str, int] = {}
    for index, (digest, own) in enumerate(zip(examples.sha256, examples.splits, strict=True)):
        if own == split:
            first.setdefault(digest, index)
    return first


def _refuse_emptied(examples: Examples, kept: Examples) -> None:
    emptied = sorted(set(examples.splits) - set(kept.splits))
    if emptied:
        raise UserError(
            f"Every image of {' and '.join(emptied)} is byte for byte also in a split that the classifier learns from, "
            "so nothing honest can be measured. Put other images there, or give no splits and let this program split."
        )


def _report(counts: Mapping[str, int]) -> None:
    for split, count in counts.items():
        if count:
            terminal.warn(
                f"leak: {count} {split} image(s) stand byte for byte in another split too. They are left out of the "
                f"{split} and of its metrics; data.json names them."
            )
