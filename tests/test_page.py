"""Tests of keras_transfer.inspection.page."""

from __future__ import annotations

import html.parser
from pathlib import Path

import pytest

from keras_transfer.data.exclusions import Exclusion
from keras_transfer.inspection import page
from keras_transfer.inspection.conclusion import Conclusion
from keras_transfer.inspection.findings import KINDS, Finding

PIXEL = "data:image/jpeg;base64,AAAA"


class Parsed(html.parser.HTMLParser):
    """Open tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def write(
    folder: Path,
    *found: Finding,
    thumbnails: dict[str, str] | None = None,
    exclusions: tuple[Exclusion, ...] = (),
    command: tuple[str, ...] = ("train", "'--image_dir=my photos'"),
) -> tuple[str, Parsed]:
    shown = page.Page(
        title="Inspection",
        conclusion=Conclusion("wait", "Do not train yet.", "Two errors."),
        command=command,
        folder="in/photos",
        exclusions=exclusions,
        findings=list(found),
        labels={"a <b>.jpg": "train · ants & co"},
        counts={"train": {"ants & co": 1200, "bees": 3}, "test": {"ants & co": 5}},
        notes=["Labels were not checked."],
    )
    page.write(
        folder / "page.html", shown, lambda paths: {path: PIXEL for path in paths if path in (thumbnails or paths)}
    )
    text = (folder / "page.html").read_text("utf-8")
    parsed = Parsed(text)
    assert parsed.open == []
    return text, parsed


def test_each_finding_has_its_picture_with_words_for_those_who_do_not_see_it(tmp_path):
    _, parsed = write(tmp_path, Finding("suspected_label", ("a <b>.jpg", "c.jpg"), "Doubtful."))
    images = [attributes for tag, attributes in parsed.tags if tag == "img"]
    assert [(image["src"], image["alt"]) for image in images] == [
        (PIXEL, "a <b>.jpg, train · ants & co"),
        (PIXEL, "c.jpg"),
    ]
    assert "Doubtful." in parsed.text


def test_nothing_is_loaded_from_elsewhere_and_no_script_runs(tmp_path):
    text, parsed = write(tmp_path, Finding("unreadable", ("a <b>.jpg",), "<script>"))
    assert "http" not in text
    assert not {"script", "link", "iframe"} & {tag for tag, _ in parsed.tags}


def test_a_file_without_a_picture_is_told_by_its_name(tmp_path):
    _, parsed = write(tmp_path, Finding("unreadable", ("gone.jpg",), "It is empty."), thumbnails={"other": ""})
    assert "no picture" in parsed.text
    assert "gone.jpg" in parsed.text


def test_errors_stand_before_warnings_and_notes(tmp_path):
    _, parsed = write(
        tmp_path, Finding("cmyk", ("a",), ""), Finding("exact_copies", ("b",), ""), Finding("damaged", ("c",), "")
    )
    assert [attributes["class"] for tag, attributes in parsed.tags if tag == "section" and "class" in attributes][
        1:
    ] == [
        "error",
        "warning",
        "info",
    ]


def test_the_page_opens_with_the_verdict_and_the_next_command(tmp_path):
    text, parsed = write(tmp_path, Finding("damaged", ("c",), "Cut off."))
    told = " ".join(parsed.text.split())
    places = [
        told.index(words) for words in ("Do not train yet.", "Two errors.", "train '--image_dir=my photos'", "Cut")
    ]
    assert places == sorted(places)
    assert 'class="decision wait"' in text


def test_without_a_command_there_is_none(tmp_path):
    _, parsed = write(tmp_path, command=())
    assert "pre" not in {tag for tag, _ in parsed.tags}


def test_what_the_list_leaves_out_or_proposes_is_marked(tmp_path):
    files = ("in/photos/a.jpg", "in/photos/b.jpg", "in/photos/c.jpg")
    excluded = (Exclusion(files[0], "", is_active=True), Exclusion(files[1], "", is_active=False))
    _, parsed = write(tmp_path, Finding("near_copies", files, "Copies."), exclusions=excluded)
    captions = [" ".join(part.split()) for part in parsed.text.partition("Copies.")[2].split(".jpg")[1:4]]
    assert captions[0].startswith("left out")
    assert captions[1].startswith("proposed")
    assert "exclude" not in captions[2]
    figures = [attributes.get("class") for tag, attributes in parsed.tags if tag == "figure"]
    assert figures == ["dropped", None, None]


def test_paths_begin_at_the_source_which_is_told_once(tmp_path):
    _, parsed = write(tmp_path, *(Finding("damaged", (f"in/photos/ants/{n}.jpg",), "Cut off.") for n in range(3)))
    assert parsed.text.count("in/photos") == 1
    assert parsed.text.count("ants/2.jpg") == 1


@pytest.mark.parametrize("group", [1, 2])
def test_what_is_said_of_many_findings_is_said_once(tmp_path, group):
    found = [
        Finding(
            "damaged", tuple(f"{n}-{m}.jpg" for m in range(group)), "Cut off." if n < 8 else "Grey.", detail=f"({n})"
        )
        for n in range(10)
    ]
    _, parsed = write(tmp_path, *found)
    assert (parsed.text.count("Cut off."), parsed.text.count("Grey.")) == (1, 1)
    assert all(f"({n})" in parsed.text for n in range(10))
    assert sum(tag == "img" for tag, _ in parsed.tags) == 10 * group


def test_all_kinds_together_have_a_limit_of_pictures(tmp_path):
    found = [Finding(kind, (f"{kind}{n}.jpg",), "") for kind in KINDS for n in range(100)]
    _, parsed = write(tmp_path, *found)
    assert sum(tag == "img" for tag, _ in parsed.tags) == 360


@pytest.mark.parametrize("count", [60, 61, 500])
def test_of_very_many_findings_the_first_are_shown_and_all_are_counted(tmp_path, count):
    found = [Finding("suspected_label", (f"{number}.jpg",), "", score=-number) for number in range(count)]
    _, parsed = write(tmp_path, *found)
    assert sum(tag == "img" for tag, _ in parsed.tags) == 60
    assert f"({count})" in parsed.text
    assert (f"60 of {count} files are shown as pictures" in parsed.text) == (count > 60)
    assert ("inspection.json has all" in parsed.text) == (count > 260)  # 200 more are told by name
    assert "59.jpg" in parsed.text
    assert ("259.jpg" in parsed.text) == (count > 260)
    assert "260.jpg" not in parsed.text


def test_of_a_large_group_six_pictures_are_shown_and_the_others_named(tmp_path):
    _, parsed = write(tmp_path, Finding("near_copies", tuple(f"{number}.jpg" for number in range(10)), ""))
    assert sum(tag == "img" for tag, _ in parsed.tags) == 6
    assert "6 of 10 files are shown as pictures" in parsed.text
    assert "9.jpg" in parsed.text


def test_counts_of_classes_and_splits_are_in_a_table(tmp_path):
    _, parsed = write(tmp_path)
    assert "1,208" in parsed.text  # all images
    assert " ".join(parsed.text.split()).count("ants & co 1,200 5") == 1
    assert "bees 3 0" in " ".join(parsed.text.split())
    assert "Labels were not checked." in parsed.text


def test_a_name_that_is_not_utf_8_does_no_harm(tmp_path):
    text, _ = write(tmp_path, Finding("unreadable", ("a\udcff.jpg",), ""))
    assert "a?.jpg" in text
