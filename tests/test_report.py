"""Tests of keras_transfer.evaluation.report: what every report has."""

from __future__ import annotations

import base64
import dataclasses
import io
import re

import numpy as np
import pytest
import scipy.stats
from PIL import Image

from keras_transfer.evaluation import galleries, report
from report_page import HOSTILE, Page, read_page
from small_report import GOOD, NAMES, make_metrics, make_report, phase


@pytest.fixture(name="full", scope="module")
def fixture_full(tmp_path_factory):
    names = (HOSTILE, 'a "b" & c', "Bäume", "🚌 bus", "{{ title }}")
    counts = [[30, 2, 0, 0, 0], [0, 30, 0, 0, 0], [0, 0, 30, 0, 0], [1, 0, 0, 30, 0], [0, 0, 0, 0, 0]]
    the_report = make_report(
        counts,
        names,
        title=f"Title {HOSTILE}",
        metrics={"validation": make_metrics(np.eye(5, dtype=int), names), "test": make_metrics(counts, names)},
        weights="random",
        weights_note=f"Note {HOSTILE}",
        history=[phase(), phase("fine_tune")],
        kept_phase="fine_tune",
        kept_reason=f"Reason {HOSTILE}.",
        seconds={"extract": 132.4, "fine_tune": 59.0, "total": 3725.0},
        examples={"train": dict.fromkeys(names, 1234), "test": {HOSTILE: 7}},
        left_out=[(f"photos/{HOSTILE}/{HOSTILE}.jpg", "It is truncated & <broken>.")],
        configuration={"head_units": (256, 128), "flip_vertical": False, "image_dir": f"photos/{HOSTILE}"},
        paths={"export": f"runs/{HOSTILE}/export/1"},
    )
    return *read_page(tmp_path_factory.mktemp("full"), the_report), the_report


def test_the_page_is_well_formed(full):
    assert full[1].faults == []
    assert full[0].startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("broken", ["<p><b></p></b>", "<div>", "</div>", '<p id="a" id="b"></p>'])
def test_the_parser_of_these_tests_finds_what_is_not_well_formed(broken):
    assert Page(broken).faults


def test_the_page_takes_nothing_from_elsewhere_and_runs_nothing(full):
    text, page, _ = full
    assert "http:" not in text
    assert "https:" not in text
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.elements}
    assert not re.search(r"@import|url\(|\son\w+=", re.sub(r"base64,[\w+/=]+", "", text))


def test_every_image_has_a_text_and_its_data_inside(full):
    images = full[1].attributes("img")
    assert len(images) == 2  # five classes have their confusion matrix as a table
    for image in images:
        assert len(image["alt"]) > 20
        data = image["src"].removeprefix("data:image/png;base64,")
        assert Image.open(io.BytesIO(base64.b64decode(data, validate=True))).format == "PNG"


@pytest.mark.parametrize(("count", "is_drawn"), [(2, False), (12, False), (13, True)])
def test_the_plots_are_given_back_as_files_and_a_small_matrix_is_no_plot_on_the_page(tmp_path, count, is_drawn):
    the_report = make_report(
        10 * np.eye(count, dtype=int), [f"c{n}" for n in range(count)], history=[phase()], kept_phase="head"
    )
    files = report.write(tmp_path / "report.html", the_report)
    assert set(files) == {"confusion_matrix", "reliability", "training_curves"}
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    shown = {base64.b64decode(image["src"].partition(",")[2]) for image in page.attributes("img")}
    assert shown == {png for name, png in files.items() if is_drawn or name != "confusion_matrix"}
    assert any("matrix" in table.get("class", "") for table in page.attributes("table")) != is_drawn


def test_a_small_matrix_shows_counts_and_shares_of_the_true_class(tmp_path):
    _, page = read_page(tmp_path, make_report([[3, 1], [0, 0]]))
    start = page.rows.index(["True class", "ants", "bees"])
    assert [" ".join(" ".join(row).split()) for row in page.rows[start + 1 : start + 3]] == [
        "ants 3 75% 1 25%",
        "bees 0 0",
    ]


def test_every_wide_thing_has_a_scrolling_box_that_the_keyboard_reaches(full):
    page = full[1]
    boxes = [each for each in page.attributes("div") if each.get("class") == "scroll"]
    assert len(boxes) == len(page.attributes("table")) + len(page.attributes("figure"))
    assert all(box["tabindex"] == "0" and box["aria-label"] for box in boxes)


def test_the_page_follows_the_light_or_dark_scheme_and_the_width_of_the_screen(full):
    text, page, _ = full
    assert "prefers-color-scheme: dark" in text
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.attributes("meta")


@pytest.mark.parametrize(
    "shown",
    [
        f"Title {HOSTILE}",
        "5 classes, images from photos/" + HOSTILE,
        f"Note {HOSTILE}",
        f"Reason {HOSTILE}.",
        f"{HOSTILE}.jpg It is truncated & <broken>.",
        f"runs/{HOSTILE}/export/1",
        "head_units 256, 128",
        "flip_vertical false",
        "Bäume",
        "🚌 bus",
        'a "b" & c',
        "{{ title }}",
    ],
)
def test_every_text_is_shown_as_it_is(full, shown):
    assert shown in full[1].text


def test_each_split_has_its_metrics_with_their_intervals(full):
    _, page, the_report = full
    test = the_report.metrics["test"]
    interval = scipy.stats.binomtest(120, 123).proportion_ci(method="wilson")
    rows = {row[0]: row[1:] for row in page.rows if len(row) == 3}
    assert rows["Metric"] == ["validation", "test"]
    assert rows["Images"] == ["5", "123"]
    assert rows["Accuracy"][1] == f"{120 / 123:.1%} ({interval.low:.1%} to {interval.high:.1%})"
    assert rows["Balanced accuracy"][1].startswith(f"{(30 / 32 + 1 + 1 + 30 / 31) / 4:.1%} (")
    assert rows["Calibration error"][1] == f"{test.ece:.3f} (by chance up to {test.ece_by_chance:.3f})"
    for name, key in (("Macro F1", "macro_f1"), ("Log loss", "log_loss"), ("Brier score", "brier")):
        low, high = test.intervals[key]
        assert rows[name][1] == f"{getattr(test, key):.3f} ({low:.3f} to {high:.3f})"


def test_classes_are_listed_from_the_weakest_and_those_without_images_last(full):
    start = next(place for place, row in enumerate(full[1].rows) if row[:2] == ["Class", "Label id"])
    rows = full[1].rows[start + 1 : start + 6]
    assert [row[0] for row in rows] == [HOSTILE, 'a "b" & c', "🚌 bus", "Bäume", "{{ title }}"]
    assert [row[1] for row in rows] == ["0", "1", "3", "2", "4"]
    assert rows[0][2:] == ["32", f"{30 / 32:.1%}", f"{30 / 31:.1%}", f"{60 / 63:.1%}"]
    assert rows[-1][2:] == ["0", "–", "–", "–"]


def test_images_are_counted_by_class_and_split(full):
    assert [HOSTILE, "1,234", "7"] in full[1].rows
    assert ["All", "6,170", "7"] in full[1].rows


def test_seconds_are_shown_in_units_for_people(full):
    for row in (["extract", "2 min 12 s"], ["fine-tune", "59.0 s"], ["total", "1 h 2 min"]):
        assert row in full[1].rows


def test_the_warnings_stand_before_all_metrics(full):
    text = full[0]
    decision = text.index('class="decision stop"')
    assert decision < text.index("Random weights.") < text.index('<dl class="metrics">')


def test_a_report_without_training_has_no_curves_and_no_empty_tables(tmp_path):
    _, page = read_page(tmp_path, make_report(split="all"))
    assert page.faults == []
    assert "How training went" not in page.text
    assert not re.search(r"Time|Configuration|left out", page.text)
    assert "alarm" not in [section.get("class") for section in page.attributes("section")]


@pytest.mark.parametrize(
    ("weights", "shown"),
    [("", "2 classes"), ("/home/me/own.weights.h5", "2 classes, own.weights.h5 weights")],
)
def test_the_weights_are_named_where_they_are_known(weights, shown, tmp_path):
    _, page = read_page(tmp_path, make_report(weights=weights))
    assert shown in page.text


def test_a_page_lists_a_thousand_files_and_says_how_many_there_are(tmp_path):
    left_out = [(f"photo{number}.jpg", "It is empty.") for number in range(1001)]
    _, page = read_page(tmp_path, make_report(left_out=left_out))
    assert "1,001 files were left out" in page.text
    assert "photo999.jpg" in page.text
    assert "photo1000.jpg" not in page.text
    assert "These are the first 1,000" in page.text


def test_a_file_name_that_is_not_utf_8_does_not_break_the_page(tmp_path):
    _, page = read_page(tmp_path, make_report(left_out=[("photo\udcff.jpg", "It is empty.")]))
    assert "photo?.jpg" in page.text


def test_a_failed_write_leaves_the_old_page(tmp_path):
    (tmp_path / "report.html").write_text("old")
    broken = make_report(history=[{"phase": "head", "best_epoch": 0, "epochs": [{}]}])
    with pytest.raises(KeyError):
        report.write(tmp_path / "report.html", broken)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"report.html": "old"}


@pytest.mark.parametrize(
    ("splits", "headline"),
    [
        (("validation", "test"), "test"),
        (("train", "validation"), "validation"),
        (("train",), "train"),
        (("validation", "all"), "all"),
    ],
)
def test_the_headline_is_the_most_telling_split(splits, headline):
    the_report = make_report(metrics={split: make_metrics(GOOD, NAMES) for split in splits})
    assert the_report.headline_split == headline


def test_a_report_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_report().title = "other"


@pytest.mark.parametrize(
    ("settings", "random_note"),
    [
        ({"counts": [[2, 0], [0, 2]], "split": "validation", "weights": "random"}, ""),
        ({"counts": [[2, 0], [0, 2]], "weights": "random"}, "RANDOM WEIGHTS, for there was no network."),
        ({"counts": [[9, 1], [1, 5]]}, ""),
    ],
)
def test_what_a_report_says_of_few_images_and_random_weights_it_says_once(tmp_path, settings, random_note):
    _, page = read_page(tmp_path, make_report(**settings, weights_note=random_note))
    words = page.text.lower()
    assert words.count("too few") == 1
    assert words.count("few images") == 1
    assert words.count("random weights") == bool(settings.get("weights")) + bool(random_note)
    assert words.count("never trained") == bool(settings.get("weights") and not random_note)


def test_mistakes_stand_right_after_the_verdict_and_paths_begin_at_the_source(tmp_path):
    def gallery(title, **settings):
        photo = galleries.Photo("data:image/jpeg;base64,AA==", "An image.", "ants", f"in/photos/ants/{title}.jpg")
        return galleries.Gallery(title, "Note.", (photo,), **settings)

    shown = [gallery("doubts"), gallery("mistakes", shows_mistakes=True)]
    text, page = read_page(tmp_path, make_report(galleries=shown, configuration={"image_dir": "in/photos"}))
    places = [text.index(f">{title}<") for title in ("mistakes", "Confusion matrix (test)", "doubts")]
    assert text.index('<dl class="metrics">') < places[0]
    assert places == sorted(places)
    assert " ants/mistakes.jpg" in page.text
    assert "in/photos/ants" not in page.text


def test_definitions_are_lists_that_open_without_a_script(full):
    page = full[1]
    folded = [each for each in page.attributes("details") if each.get("class") == "definitions"]
    assert len(folded) >= 2
    assert len(page.attributes("summary")) == len(page.attributes("details"))
    assert "the harmonic" not in " ".join(" ".join(row) for row in page.rows)


@pytest.mark.slow
def test_of_a_thousand_classes_the_tables_show_a_part_and_say_so(tmp_path):
    names = [f"class_{number}" for number in range(1000)]
    examples = {"train": dict.fromkeys(names, 3)}
    text, page = read_page(tmp_path, make_report(np.eye(1000, dtype=int), names, examples=examples))
    assert page.text.count("of 1,000 classes") >= 2
    assert len(page.rows) < 400
    assert len(text.encode()) < 3e6


def contrast(one, other):
    """Contrast ratio of two colours: Web Content Accessibility Guidelines 2.2, "relative luminance"."""

    def luminance(colour):
        digits = colour.strip("#")
        digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
        channels = np.array([int(digits[place : place + 2], 16) for place in (0, 2, 4)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def test_the_contrast_of_black_on_white_is_21():
    assert contrast("#000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize(
    ("text_colour", "below"),
    [
        ("ink", "page"),
        ("ink", "card"),
        ("ink", "bar"),
        ("ink", "alarm-page"),
        ("soft", "page"),
        ("soft", "card"),
        ("accent", "card"),
        ("alarm", "alarm-page"),
    ],
)
@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_every_text_has_the_contrast_that_the_guidelines_ask_for(full, scheme, text_colour, below):
    blocks = re.findall(r":root \{(.*?)\}", full[0], re.DOTALL)
    assert len(blocks) == 3
    colours = dict(re.findall(r"--([\w-]+): (#\w+)", blocks[0]))
    colours.update(re.findall(r"--([\w-]+): (#\w+)", blocks[("light", "dark", "print").index(scheme)]))
    assert contrast(colours[text_colour], colours[below]) >= 4.5
