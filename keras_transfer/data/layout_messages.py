"""The layouts that are wanted, drawn as small trees, and lists of names, for messages on folders."""

from __future__ import annotations

import os
from collections.abc import Sequence

from keras_transfer.data.image_files import printable

_SHOWN = 4  # names in a message


def wanted(root: str, names: Sequence[str] = ()) -> str:
    """The layout that is wanted, as lines to end a message with."""
    first, second, *_ = dict.fromkeys([*names, "cats", "dogs"])
    top = f"{os.path.basename(os.path.abspath(root))}/"
    classes = [f"      {first}/  1.jpg 2.jpg ...", f"      {second}/  3.jpg 4.jpg ..."]
    splits = [f"      {name:<12}{first}/ {second}/ ..." for name in ("train/", "validation/", "test/")]
    return "\n".join(
        [
            "What is wanted is one folder for each class:",
            f"    {top}",
            *classes,
            "or with splits of your own (validation and test may be missing):",
            f"    {top}",
            *splits,
        ]
    )


def listed(names: Sequence[str], before: str = "") -> str:
    """The first few names, printable, and how many more; `before` stands before two."""
    shown = [printable(name) for name in names[:_SHOWN]]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (before if len(names) == 2 else "") + (" and " if len(names) == 2 else ", ").join(shown) + more
