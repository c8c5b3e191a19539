"""The inspection as one HTML page for people: pictures and style inside, no network, no JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keras_transfer import atomic_files, html_pages
from keras_transfer.data.exclusions import Exclusion
from keras_transfer.inspection.conclusion import Conclusion
from keras_transfer.inspection.findings import KINDS, Finding, Kind, by_kind

_TEMPLATE = Path(__file__).parent / "page.html.jinja"
# Keep the page below some megabytes; what has no picture is listed by its name, and inspection.json has all.
_PICTURES_A_KIND = {"error": 60, "warning": 60, "info": 12}
_PICTURES, _PICTURES_A_FINDING = 360, 6
_NAMES_A_KIND, _CLASSES = 200, 100


@dataclass(frozen=True, kw_only=True)
class Page:
    """All that the page shows.

    Attributes:
      title: heading.
      conclusion: what is wrong, and whether one can train.
      command: what to type next, as words quoted for a shell; empty where nothing can be trained yet.
      folder: that the paths are told relative to; "" to tell them as they are.
      findings: all of them.
      exclusions: what exclude.txt leaves out or proposes to.
      labels: path -> what stands below its picture, such as its split and class.
      counts: split ("" where there are none) -> class -> number of images.
      notes: sentences on what was checked and what was not.
    """

    title: str
    conclusion: Conclusion
    command: Sequence[str]
    folder: str
    findings: list[Finding]
    exclusions: Sequence[Exclusion]
    labels: Mapping[str, str]
    counts: Mapping[str, Mapping[str, int]]
    notes: Sequence[str]


@dataclass
class _Item:
    """One finding: its files with a picture, and those that are told by name."""

    detail: str
    pictures: list[str]
    names: list[str]

    @property
    def is_one_picture(self) -> bool:
        """Whether it can stand in a row with others."""
        return len(self.pictures) == 1 and not self.names


@dataclass
class _Batch:
    """Findings of which the same is said: the sentence stands once, and is followed by the files."""

    why: str
    items: list[_Item] = field(default_factory=list)


@dataclass
class _Section:
    """One kind of finding: batches of those shown, and how many there are of what."""

    kind: Kind
    batches: list[_Batch]
    total: int
    files: int
    pictured: int
    named: int


def write(path: str | Path, page: Page, make_thumbnails: Callable[[list[str]], Mapping[str, str]]) -> None:
    """Writes the page as one self-contained HTML file, whole or not at all.

    Args:
      path: of the file; an existing one is replaced.
      page: what to show.
      make_thumbnails: paths -> (path -> data URI), for the pictures that are shown.
    """
    sections, room = [], _PICTURES
    for name, found in by_kind(page.findings).items():
        sections.append(_section(KINDS[name], found, room))
        room -= sections[-1].pictured
    items = [item for section in sections for batch in section.batches for item in batch.items]
    thumbnails = make_thumbnails([file for item in items for file in item.pictures])
    # A file name that is not UTF-8 reached Python as surrogates, which no HTML file can hold: they become "?".
    atomic_files.write_bytes(path, _render(page, sections, thumbnails).encode("utf-8", "replace"))


def _section(kind: Kind, found: Sequence[Finding], room: int) -> _Section:
    """Puts findings of a kind into batches by what is said of them, the first ones with pictures."""
    pictures, names = min(_PICTURES_A_KIND[kind.severity], room), _NAMES_A_KIND
    section = _Section(kind, [], len(found), sum(len(item.files) for item in found), 0, 0)
    batches: dict[str, _Batch] = {}
    for finding in found:
        count = min(len(finding.files), _PICTURES_A_FINDING, pictures - section.pictured)
        rest = finding.files[count : count + names - section.named]
        if finding.files and not count and not rest:
            continue
        section.pictured, section.named = section.pictured + count, section.named + len(rest)
        batch = batches.setdefault(finding.why, _Batch(finding.why))
        batch.items.append(_Item(finding.detail, list(finding.files[:count]), list(rest)))
    section.batches = list(batches.values())
    return section


def _render(page: Page, sections: Sequence[_Section], thumbnails: Mapping[str, str]) -> str:
    class_names = list(dict.fromkeys(name for row in page.counts.values() for name in row))
    values = {
        "page": page,
        "sections": sections,
        "thumbnails": thumbnails,
        "relative": lambda file: html_pages.relative(file, page.folder),
        "fates": {item.path: "left out" if item.is_active else "proposed" for item in page.exclusions},
        "class_names": class_names[:_CLASSES],
        "class_count": len(class_names),
        "image_count": sum(sum(row.values()) for row in page.counts.values()),
    }
    return html_pages.render(_TEMPLATE, values)
