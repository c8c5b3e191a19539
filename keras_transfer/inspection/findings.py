"""The kinds of findings: what each means, how grave it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keras_transfer.images import sixteen_bits

# error: metrics or training are wrong with it; warning: look at it; info: good to know.
SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True)
class Kind:
    """A kind of finding.

    Attributes:
      severity: one of `SEVERITIES`.
      title: for a heading.
      what_to_do: a sentence.
    """

    severity: str
    title: str
    what_to_do: str


# In the order in which they are told.
KINDS: Mapping[str, Kind] = {
    "unreadable": Kind(
        "error",
        "Unreadable files",
        "Do what its reason says: get the file again, convert or rename it, or remove it.",
    ),
    "damaged": Kind(
        "error", "Damaged pictures", "Look at it: a part is usually grey or shifted. Get it again or leave it out."
    ),
    "exact_copies_across_splits": Kind(
        "error", "Leaks: the same bytes in several splits", "Keep it in one split and leave the other copies out."
    ),
    "near_copies_across_splits": Kind(
        "error", "Leaks: the same picture in several splits", "Keep it in one split and leave the other copies out."
    ),
    "exact_copies_of_two_classes": Kind(
        "error",
        "Label conflicts: the same bytes in several classes",
        "Decide which label is right and remove the other copies.",
    ),
    "near_copies_of_two_classes": Kind(
        "error",
        "Label conflicts: the same picture in several classes",
        "Decide which label is right and remove the others.",
    ),
    "group_split_apart": Kind(
        "error", "Groups split apart", "Move the whole group into one split; training refuses it as it is."
    ),
    "suspected_label": Kind(
        "warning", "Suspected label errors", "Look at it; if the label is wrong, fix it or leave it out."
    ),
    "similar_across_splits": Kind(
        "warning",
        "Perhaps leaks: very similar features in several splits",
        "Look: shots of one scene belong in one split.",
    ),
    "similar_of_two_classes": Kind(
        "warning", "Very similar features in several classes", "Look whether one of the labels is wrong."
    ),
    "exact_copies": Kind("warning", "The same bytes within a split", "Keep one: the others count double in training."),
    "near_copies": Kind(
        "warning", "The same picture within a split", "Keep the best one, unless it is meant to count double."
    ),
    "wrong_extension": Kind(
        "warning", "Name and content disagree", "Rename it by its content; other programs go by the name."
    ),
    "animated": Kind("warning", "Animated images", "Only the first frame counts. Check that it shows the class."),
    "transparency": Kind(
        "warning",
        "Transparent images",
        "Transparency is dropped and what lies below it shows. Save it on a plain background.",
    ),
    "exif_orientation": Kind(
        "warning", "Photos that lie on their side", "Train with --apply_exif (JPEG only), or turn the files."
    ),
    "small": Kind(
        "warning", "Very small images", "They are enlarged and blurred. Get larger ones, or lower --image_size."
    ),
    "elongated": Kind(
        "warning", "Very long or high images", "Check that what counts is not cut off; --resize_mode=pad keeps it."
    ),
    "nearly_constant": Kind(
        "warning", "Nearly empty images", "Look at it: a single colour shows no class. Leave it out."
    ),
    "nearly_black": Kind(
        "warning",
        "Images of 16 bits that are nearly black",
        f"The network sees them nearly black. {sixteen_bits.ADVICE}",
    ),
    "tiny_class": Kind("warning", "Tiny classes", "Add images, or merge the class with another one."),
    "imbalance": Kind(
        "warning", "Unbalanced classes", "Otherwise it prefers the large classes where it cannot decide."
    ),
    "class_balance": Kind("warning", "Classes differ between splits", "Split anew, stratified by class."),
    "drift": Kind(
        "warning",
        "Splits that can be told apart",
        "Find out what differs, such as camera, place or time, and split anew.",
    ),
    "similar": Kind(
        "info",
        "Very similar features within a split",
        "Nothing, unless they are shots of one scene: give them a group.",
    ),
    "cmyk": Kind(
        "info", "Images in CMYK", "Its colours are converted without a profile. Save it as RGB where colours count."
    ),
    "sixteen_bits": Kind(
        "info", "Images of 16 bits a channel", "The lower 8 bits are dropped. Scale it where they count."
    ),
    "huge": Kind(
        "info", "Very large images", "Make it smaller: decoding takes most of the time, and no detail survives."
    ),
    "left_out": Kind("info", "Files that are not used", "Nothing, unless it was meant as an image."),
}


@dataclass(frozen=True)
class Finding:
    """Something that a person should know.

    Attributes:
      kind: a key of `KINDS`.
      files: that it is about; none where it is about classes or splits.
      why: a sentence with what was found, the same for all files of which the same is to be said.
      score: how sure or how grave within its kind, the larger the more; 0 where there is no such order.
      detail: what is particular to it, such as the size of an image; or "".
    """

    kind: str
    files: tuple[str, ...]
    why: str
    score: float = 0.0
    detail: str = ""

    @property
    def sentence(self) -> str:
        """`why` with its `detail`."""
        return f"{self.why.removesuffix('.')} ({self.detail})." if self.detail else self.why

    @property
    def severity(self) -> str:
        """One of `SEVERITIES`."""
        return KINDS[self.kind].severity

    def as_json(self) -> dict[str, Any]:
        """As a row of inspection.json."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "files": list(self.files),
            "why": self.sentence,
            "what_to_do": KINDS[self.kind].what_to_do,
            "score": self.score,
        }


def by_kind(found: list[Finding]) -> dict[str, list[Finding]]:
    """Kind -> its findings, the gravest kinds first, the highest score first within each; no empty kinds."""
    ordered = sorted(KINDS, key=lambda kind: SEVERITIES.index(KINDS[kind].severity))
    groups = {kind: [item for item in found if item.kind == kind] for kind in ordered}
    return {kind: sorted(items, key=lambda item: -item.score) for kind, items in groups.items() if items}


def count_severities(found: list[Finding]) -> dict[str, int]:
    """Severity -> number of findings."""
    return {severity: sum(item.severity == severity for item in found) for severity in SEVERITIES}
