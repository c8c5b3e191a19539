"""What an inspection finds in real photos: faults that were there, and faults that were planted by a seed."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import keras_transfer as kt
import planted_faults
from keras_transfer.inspect_data import exit_code
from planted_faults import CHANGES, DAMAGES, Pair, Planted

SHARED = Path(__file__).parents[3] / "shared"
WEIGHTS = SHARED / "weights" / "mobilenet_v2_1.0_224_notop.weights.h5"
COPIES, DAMAGED = 40, 10  # of each kind
# Twins among the photos of flowers: the same shot, or one worked over, under two names. Four groups were looked at; the
# others agree pixel by pixel (correlation 1.0).
TWINS = [
    {"14889392928_9742aed45b_m", "15066430311_fb57fa92b0_m"},
    {"15069459615_7e0fd61914_n", "15072973261_73e2912ef2_n"},
    {"14741866338_bdc8bfc8d5_n", "14925398301_55a180f919_n", "14925398441_107f3e0304_n"},
    {"10466290366_cc72e33532", "10994032453_ac7f8d9e2e"},
    {"10993710036_2033222c91", "10993818044_4c19b86c82"},
    {"12406418663_af20dc225f_n", "12407768513_3440238148_n"},
    {"13279526615_a3b0059bec", "13342823005_16d3df58df_n"},
    {"12916135413_dafcf3089e_n", "12916441224_2ed63596f8_n"},
]


def data(name: str) -> Path:
    if not (SHARED / "data" / name).is_dir():
        pytest.skip(f"{SHARED / 'data' / name} is not on this machine")
    return SHARED / "data" / name


def inspect(photos: Path, folder: Path, **settings: Any) -> dict[str, Any]:
    values = {"image_dir": str(photos), "output": str(folder / "inspection"), **settings}
    return kt.inspect_data(**values).findings


def files_of(result: dict[str, Any], *kinds: str) -> set[str]:
    return {file for row in result["findings"] if row["kind"] in kinds for file in row["files"]}


@pytest.mark.slow
def test_the_x_rays_have_ten_exact_pairs_of_which_six_run_across_train_and_validation(tmp_path):
    result = inspect(data("covid_xray"), tmp_path)
    assert result["copies"]["summary"]["exact"] == {
        "groups": 10,
        "files": 20,
        "pairs": 10,
        "pairs_across_splits": 6,
        "pairs_across_classes": 0,
    }
    assert result["kinds"]["exact_copies_across_splits"] == 6
    assert exit_code(result) == 1
    # X-rays are all alike, and yet no two of different classes are taken for copies.
    assert result["copies"]["summary"]["near"]["pairs_across_classes"] == 0


def test_each_odd_file_is_named_rightly(tmp_path):
    result = inspect(data("odd_files"), tmp_path)
    found = {(row["kind"], *(Path(file).name for file in row["files"])) for row in result["findings"]}
    assert found == {
        ("wrong_extension", "png_named.jpg"),
        ("wrong_extension", "png_named_2.jpg"),
        ("transparency", "png_named_2.jpg"),
    }
    assert "its content is PNG" in result["findings"][0]["why"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hymenoptera", "flowers"])
def test_every_damaged_file_is_found_and_no_other(name, tmp_path):
    planted = planted_faults.plant_damage(data(name), tmp_path / "photos", seed=0, count=DAMAGED)
    result = inspect(planted.folder, tmp_path)
    damaged = {file for files in planted.corrupt.values() for file in files}
    assert len(damaged) == DAMAGED * len(DAMAGES)
    assert files_of(result, "unreadable", "damaged") == damaged


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hymenoptera", "flowers"])
def test_copies_are_found_and_hardly_a_pair_is_false(name, tmp_path):
    planted = planted_faults.plant_copies(data(name), tmp_path / "photos", seed=0, count=COPIES)
    groups = inspect(planted.folder, tmp_path)["copies"]["groups"]
    exact = {pair for group in groups if group["how"] == "exact" for pair in pairs_of(group)}
    found = exact | {pair for group in groups if group["how"] == "near" for pair in pairs_of(group)}
    assert planted.exact <= exact
    assert {change: len(pairs & found) >= 0.95 * COPIES for change, pairs in planted.near.items()} == dict.fromkeys(
        CHANGES, True
    )
    false = [pair for pair in found if not is_right(pair, planted)]
    print(f"{name}: {len(found)} pairs, false: {[sorted(pair) for pair in false]}")
    assert len(false) <= 0.01 * len(found)


def pairs_of(group: dict[str, Any]) -> list[Pair]:
    return [frozenset(pair) for pair in combinations([file["path"] for file in group["files"]], 2)]


def is_right(pair: Pair, planted: Planted) -> bool:
    """Whether both come from one original, or from two that are the same shot or have the same bytes."""
    originals = {planted_faults.original_of(file, planted) for file in pair}
    if len(originals) == 1 or len({Path(file).read_bytes() for file in originals}) == 1:
        return True
    return any({Path(file).stem for file in originals} <= twins for twins in TWINS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hymenoptera", "flowers"])
def test_most_flipped_labels_are_in_the_first_tenth_of_the_ranking(name, tmp_path):
    if not WEIGHTS.is_file():
        pytest.skip(f"{WEIGHTS} is not on this machine")
    planted = planted_faults.plant_flipped_labels(data(name), tmp_path / "photos", seed=0, fraction=0.05)
    # Smaller than usual, for time; at 224 pixels it is 95 to 100% and 93 to 95% with three seeds.
    settings = {
        "image_size": 160,
        "backbone": "mobilenetv2",
        "weights": str(WEIGHTS),
        "feature_cache_dir": str(tmp_path / "cache"),
    }
    ranking = inspect(planted.folder, tmp_path, **settings)["labels"]
    first = {row["path"] for row in ranking[: len(ranking) // 10]}
    print(f"{name}: {len(first & planted.flipped)} of {len(planted.flipped)} in the first tenth")
    assert len(first & planted.flipped) >= 0.6 * len(planted.flipped)
