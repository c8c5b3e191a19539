"""Which split a folder's or a column's word names: train, Training, TRAIN_SET, photos_val, seg_test, dev ..."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_WORDS_OF_SPLIT = {
    "train": ("train", "training", "trn"),
    "validation": ("validation", "validate", "valid", "val", "development", "devel", "dev"),
    "test": ("test", "testing", "tst"),
}
_SPLIT_OF_WORD = {word: split for split, words in _WORDS_OF_SPLIT.items() for word in words}
# fmt: off
# Words that say nothing of the split, so that train_images and test_photos belong together.
_FILLER = frozenset({
    "data", "dataset", "datasets", "dir", "directory", "example", "examples", "file", "files", "folder", "folders",
    "image", "images", "img", "imgs", "photo", "photos", "pic", "pics", "picture", "pictures", "sample", "samples",
    "set", "sets", "split", "splits", "subset", "subsets",
})
# Folders of photos without labels, which competitions bring beside train and test.
_UNLABELLED = frozenset({
    "inference", "pred", "predict", "prediction", "predictions", "submission", "unlabeled", "unlabelled",
})
# Words of folders that divide a collection, and never say what a photo shows.
_SERIES = frozenset({
    "batch", "cv", "day", "fold", "group", "kfold", "part", "round", "run", "section", "session", "set", "site",
    "split", "week", "year",
})
# fmt: on
_LEAST_YEAR, _MOST_YEAR = 1900, 2100

_any_filler = "|".join(sorted(_FILLER, key=len, reverse=True))
_any_split = "|".join(sorted(_SPLIT_OF_WORD, key=len, reverse=True))
_GLUED = re.compile(f"(?:{_any_filler})?({_any_split})(?:{_any_filler})?")  # trainset, imgtrain, testimages
# ABCDef -> ABC, Def; trainSet -> train, Set; train2017 -> train, 2017; letters beyond ASCII stay together.
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")


@dataclass(frozen=True)
class SplitName:
    """What a name says of a split.

    Attributes:
      split: train, validation or test.
      rest: the other words in small letters, without filler such as set, images, data.
    """

    split: str
    rest: tuple[str, ...]


def parse(name: str) -> SplitName | None:
    """The split that a name names, or None where it names none, or several (train_val)."""
    words = _words(name)
    splits = {split for word in words if (split := _split_of_word(word))}
    if len(splits) != 1:
        return None
    rest = tuple(word for word in words if not _split_of_word(word) and word not in _FILLER)
    return SplitName(splits.pop(), rest)


def of_value(text: str) -> str:
    """The split that a cell of a column names with no other word; '' where it names none."""
    found = parse(text)
    return found.split if found and not found.rest else ""


def recognize(names: Iterable[str]) -> dict[str, str]:
    """The names that are those of split folders of one set -> their splits.

    The other words of such names must be the same: seg_train and seg_test belong together, steam_train and
    crash_test do not. A single name with other words (train_station) is no split.
    """
    groups: Mapping[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for name in names:
        if found := parse(name):
            groups[found.rest][name] = found.split
    sets = [group for rest, group in groups.items() if not rest or len(set(group.values())) > 1]
    return max(sets, key=lambda group: ("train" in group.values(), len(group)), default={})


def is_filler(name: str) -> bool:
    """Whether a name has only words that say nothing, such as images or data_set."""
    words = _words(name)
    return bool(words) and all(word in _FILLER for word in words)


def is_unlabelled(name: str) -> bool:
    """Whether a name is that of photos to predict, such as pred or seg_pred."""
    return not _UNLABELLED.isdisjoint(_words(name))


def is_of_a_series(name: str) -> bool:
    """Whether a name is that of a year or date, a fold, a part or a split: never what a photo shows."""
    words = _words(name)
    numbers = [word for word in words if word.isdigit()]
    rest = [word for word in words if not word.isdigit() and word not in _FILLER - _SERIES]
    if any(_split_of_word(word) for word in rest):
        return True
    if not numbers:
        return len(rest) == 2 and rest[0] in _SERIES and len(rest[1]) == 1  # fold_a
    is_year = any(_LEAST_YEAR <= int(number) <= _MOST_YEAR for number in numbers if len(number) == 4)
    is_date = all(len(number) in (6, 8) for number in numbers)
    return all(word in _SERIES for word in rest) and (bool(rest) or is_year or is_date)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(unicodedata.normalize("NFC", name))]


def _split_of_word(word: str) -> str:
    glued = _GLUED.fullmatch(word)
    return _SPLIT_OF_WORD[glued.group(1)] if glued else ""
