"""Tests of keras_transfer.html_pages."""

from __future__ import annotations

import pytest

from keras_transfer import html_pages


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("long_names_like_this", "long_<wbr>names_<wbr>like_<wbr>this"),
        ("train/ants/IMG_2024.jpg", "train/<wbr>ants/<wbr>IMG_<wbr>2024.<wbr>jpg"),
        ("mobile-net-v2", "mobile-<wbr>net-<wbr>v2"),
        ("0.15 of 1", "0.15 of 1"),
        ("-0.5 to +1.5.", "-0.5 to +1.5."),
        ("C:\\photos\\a", "C:\\<wbr>photos\\<wbr>a"),
        ("<b>_x & co", "&lt;b&gt;_<wbr>x &amp; co"),
        (
            "use --class_weights=a_b or --dropout.",
            'use <span class="flag">--class_weights</span>=a_<wbr>b or <span class="flag">--dropout</span>.',
        ),
        ("--<script>", "--&lt;script&gt;"),
        ("", ""),
    ],
)
def test_names_break_after_joints_and_flags_nowhere(text, expected):
    assert html_pages.breakable(text) == expected


@pytest.mark.parametrize(
    ("path", "folder", "expected"),
    [
        ("photos/ants/1.jpg", "photos", "ants/1.jpg"),
        ("/a/photos/ants/1.jpg", "/a/photos/", "ants/1.jpg"),
        ("elsewhere/1.jpg", "photos", "elsewhere/1.jpg"),
        ("photos2/1.jpg", "photos", "photos2/1.jpg"),
        ("a/1.jpg", "", "a/1.jpg"),
        ("a/1.jpg", ".", "a/1.jpg"),
    ],
)
def test_paths_are_told_as_seen_from_the_source(path, folder, expected):
    assert html_pages.relative(path, folder) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"image_dir": "photos", "image_csv": ""}, "photos"),
        ({"image_dir": "", "image_csv": "in/labels.csv"}, "in"),
        ({"image_dir": "", "image_csv": "", "dataset": "x"}, ""),
        ({}, ""),
    ],
)
def test_the_source_is_a_folder_or_that_of_the_csv_file(settings, expected):
    assert html_pages.source_folder(settings) == expected


def test_a_template_is_filled_in_escaped_and_misses_nothing(tmp_path):
    (tmp_path / "page.jinja").write_text("{{ name | breakable }} {{ count | grouped }} {{ name }}")
    rendered = html_pages.render(tmp_path / "page.jinja", {"name": "a_<b>", "count": 12345})
    assert rendered == "a_&lt;b&gt; 12,345 a_&lt;b&gt;"
    with pytest.raises(Exception, match="name"):
        html_pages.render(tmp_path / "page.jinja", {"count": 1})
