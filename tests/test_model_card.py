"""Tests of keras_transfer.saved_model.model_card."""

from __future__ import annotations

import jinja2
import pytest

from keras_transfer.saved_model import model_card
from small_export import METADATA


@pytest.mark.parametrize(
    "words",
    [
        "# cars, version 3",
        "accuracy 0.850, macro F1\n0.841",
        "| blue | 10 | 0.900 | 0.800 | 0.850 |",
        "| red | 0 | unknown | unknown | unknown |",
        "Against version 2 on the same 20 photos: **better**",
        "trained on 3 of these photos (train split)",
        "2 more test photos could not be read",
        "p = 0.0156",
        "`" + "ab" * 32 + "`",
        "`" + "cd" * 32 + "`",
        "14,716,227",
        "30 train, 6 validation, 20 test",
        "resized to 224 pixels (`crop`)",
        "Arithmetic of the base: bfloat16",
        "differ by up to 0.0123, 1 of them changed its label",
        "tensorflow 2.21.0, keras 3.15.1",
        "`probabilities`, `accepted` |",
        "`accepted` is true where the score is at least 0.7.",
        "the logits are divided by 1.250",
    ],
)
def test_the_card_tells_each_metric(words):
    assert words in model_card.render(METADATA)


@pytest.mark.parametrize(("apply_exif", "words"), [(False, "ignored"), (True, "turned upright by their EXIF")])
def test_the_card_tells_what_is_done_with_the_exif_orientation(apply_exif, words):
    preprocessing = {**METADATA["preprocessing"], "apply_exif": apply_exif}
    (line,) = [
        line for line in model_card.render({**METADATA, "preprocessing": preprocessing}).splitlines() if "EXIF" in line
    ]
    assert words in line


def test_a_class_name_breaks_neither_table_nor_page():
    assert "| green \\| &lt;sea> | 10 |" in model_card.render(METADATA)


def test_a_table_stands_without_empty_lines_in_it():
    lines = model_card.render(METADATA).splitlines()
    rows = [number for number, line in enumerate(lines) if line.startswith(("| class", "| ---", "| blue", "| red"))]
    first = lines.index("| class | test photos | precision | recall | F1 |")
    assert all(line.startswith("|") for line in lines[first : first + 5])
    assert rows


def test_without_test_comparison_and_precision_change_the_card_says_what_is_not_known():
    card = model_card.render({**METADATA, "test": None, "comparison": None, "precision_change": None})
    assert "Not measured: there was no test split." in card
    assert "Against" not in card


def test_without_temperature_and_bound_the_card_promises_neither():
    serving = {**METADATA["serving"], "abstain_below": 0.0}
    card = model_card.render({**METADATA, "serving": serving, "temperature": 1.0})
    assert "they are not calibrated." in card
    assert "accepted" not in card


def test_random_weights_are_named_as_of_no_use():
    base = {**METADATA["base"], "weights": "random"}
    assert "of no use for real photos" in model_card.render({**METADATA, "base": base})
    assert "of no use" not in model_card.render(METADATA)


def test_a_missing_metric_is_an_error_not_an_empty_place():
    with pytest.raises(jinja2.UndefinedError):
        model_card.render({name: value for name, value in METADATA.items() if name != "checks"})
