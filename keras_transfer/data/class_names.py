"""What a class may be called, which names are one, and how many classes there must be, where a person names them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from keras_transfer.errors import UserError

# Unicode's control characters and line breaks: they would break the lines of tables, labels files and CSV files.
_LINE_BREAKING = ("Cc", "Zl", "Zp")
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def normalize(name: str) -> str:
    """The name in Unicode's form NFC, in which class names are stored and compared.

    macOS and some archives write ä as two characters (NFD); both forms look alike and are meant alike.
    """
    return unicodedata.normalize("NFC", name)


def fault_of(name: str) -> str:
    """Why `name` can't be a class name, as the end of a sentence; '' where it can."""
    if not name:
        return "is empty"
    if name != name.strip():
        return "begins or ends with a blank"
    if any(unicodedata.category(character) in _LINE_BREAKING for character in name):
        return "holds a line break or another control character"
    # A surrogate stands for a byte that os.fsdecode could not decode.
    if any(unicodedata.category(character) == "Cs" for character in name):
        return "is not valid UTF-8"
    return ""


def lookalike_notes(names: Iterable[str]) -> list[str]:
    """A warning for each set of names that differ only by case, blanks, hyphens or underscores."""
    alike = defaultdict(list)
    for name in names:
        alike[_BETWEEN_WORDS.sub(" ", unicodedata.normalize("NFKC", name)).strip().casefold()].append(name)
    return [
        f"WARNING: the classes {' and '.join(map(repr, sorted(group)))} differ only by case or blanks, and count as "
        f"{len(group)} classes. If one is meant, give their images one name."
        for group in alike.values()
        if len(group) > 1
    ]


def refuse_too_few(class_names: Sequence[str], where: str) -> None:
    """Raises UserError where there are fewer than two classes; `where` names the source."""
    if len(class_names) < 2:
        found = "".join(f", {name!r}" for name in class_names)
        raise UserError(
            f"A classifier needs at least two classes. Received: {len(class_names)} in {where}{found}. "
            "Add images of another class, or check that this is the right place."
        )
