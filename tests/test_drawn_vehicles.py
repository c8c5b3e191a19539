"""The drawn data set: the same seed gives the same pixels, masks are honest, files are written once and whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from keras_transfer import terminal
from keras_transfer.data import drawn_vehicles
from keras_transfer.data.drawn_vehicles import load
from keras_transfer.drawn_vehicles import drawing
from keras_transfer.drawn_vehicles.drawing import CLASS_NAMES, Drawing, draw
from keras_transfer.errors import UserError

SEEDS = range(24)


@pytest.fixture(scope="module")
def drawings() -> dict[str, list[Drawing]]:
    return {name: [draw(name, seed=seed) for seed in SEEDS] for name in CLASS_NAMES}


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_there_are_five_classes_in_order() -> None:
    assert CLASS_NAMES == ("bus", "sedan", "suv", "truck", "two_wheeler")


@pytest.mark.parametrize("class_name", CLASS_NAMES)
def test_the_same_seed_gives_the_same_pixels_and_mask(class_name: str, drawings: dict[str, list[Drawing]]) -> None:
    again = draw(class_name, seed=3)
    np.testing.assert_array_equal(again.image, drawings[class_name][3].image)
    np.testing.assert_array_equal(again.mask, drawings[class_name][3].mask)


def test_the_global_seed_of_numpy_changes_nothing(drawings: dict[str, list[Drawing]]) -> None:
    np.random.seed(7)
    expected = np.random.random(3)
    np.random.seed(7)
    np.testing.assert_array_equal(draw("bus", seed=0).image, drawings["bus"][0].image)
    np.testing.assert_array_equal(np.random.random(3), expected)


@pytest.mark.parametrize("class_name", CLASS_NAMES)
def test_every_seed_gives_another_image(class_name: str, drawings: dict[str, list[Drawing]]) -> None:
    assert len({drawing.image.tobytes() for drawing in drawings[class_name]}) == len(SEEDS)


def test_classes_do_not_share_the_scene_of_a_seed(drawings: dict[str, list[Drawing]]) -> None:
    assert len({drawings[name][0].image.shape for name in CLASS_NAMES}) > 1
    assert len({drawings[name][0].image[:20, :20].tobytes() for name in CLASS_NAMES}) == len(CLASS_NAMES)


@pytest.mark.parametrize("class_name", CLASS_NAMES)
def test_images_have_the_documented_type_and_size(class_name: str, drawings: dict[str, list[Drawing]]) -> None:
    shapes = np.array([drawing.image.shape for drawing in drawings[class_name]])
    assert {drawing.image.dtype for drawing in drawings[class_name]} == {np.dtype(np.uint8)}
    assert (shapes <= (288, 400, 3)).all()
    assert (shapes >= (208, 256, 3)).all()
    assert len(set(map(tuple, shapes.tolist()))) > len(SEEDS) // 2


@pytest.mark.parametrize("class_name", CLASS_NAMES)
def test_the_mask_covers_a_plausible_part_of_the_image(class_name: str, drawings: dict[str, list[Drawing]]) -> None:
    assert all(drawing.mask.shape == drawing.image.shape[:2] for drawing in drawings[class_name])
    assert {drawing.mask.dtype for drawing in drawings[class_name]} == {np.dtype(np.bool_)}
    areas = np.array([drawing.mask.mean() for drawing in drawings[class_name]])
    assert areas.min() > 0.02
    assert areas.max() < 0.85


def test_a_bus_is_longer_for_its_height_than_a_two_wheeler(drawings: dict[str, list[Drawing]]) -> None:
    def median_proportion(name: str) -> float:
        sides = [np.ptp(np.argwhere(drawing.mask), axis=0) for drawing in drawings[name]]
        return float(np.median([width / height for height, width in sides]))

    assert median_proportion("bus") > 1.5 * median_proportion("two_wheeler")


@pytest.mark.parametrize("class_name", CLASS_NAMES)
def test_something_in_front_takes_pixels_away_from_the_mask_and_adds_none(
    class_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "_HIDDEN_FRACTION", 0.0)
    free = [draw(class_name, seed=seed).mask for seed in range(4)]
    monkeypatch.setattr(drawing, "_HIDDEN_FRACTION", 1.0)
    hidden = [draw(class_name, seed=seed).mask for seed in range(4)]
    assert not any((after & ~before).any() for before, after in zip(free, hidden, strict=True))
    assert sum(after.sum() for after in hidden) < 0.98 * sum(before.sum() for before in free)


def test_some_vehicles_are_cut_by_the_side_of_the_frame_and_most_are_not(
    drawings: dict[str, list[Drawing]],
) -> None:
    masks = [drawing.mask for name in CLASS_NAMES for drawing in drawings[name]]
    cut = np.mean([mask[:, 0].any() or mask[:, -1].any() for mask in masks])
    assert 0.03 < cut < 0.4


def test_brightness_varies_from_night_to_day(drawings: dict[str, list[Drawing]]) -> None:
    means = [drawing.image.mean() for name in CLASS_NAMES for drawing in drawings[name]]
    assert min(means) < 70
    assert max(means) > 135


def test_no_class_is_given_away_by_its_brightness(drawings: dict[str, list[Drawing]]) -> None:
    means = {name: [drawing.image.mean() for drawing in drawings[name]] for name in CLASS_NAMES}
    spread = np.ptp([np.mean(values) for values in means.values()])
    assert spread < np.mean([np.std(values) for values in means.values()])


def test_an_unknown_class_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"bus, sedan, suv, truck, two_wheeler.*'plane'"):
        draw("plane", seed=0)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 0\. Received: -1"):
        draw("bus", seed=-1)


@pytest.mark.parametrize(("images_per_class", "seed"), [(0, 0), (1, -1)])
def test_load_refuses_no_images_and_negative_seeds(tmp_path: Path, images_per_class: int, seed: int) -> None:
    with pytest.raises(ValueError, match=f"Received: {images_per_class} and {seed}"):
        load(tmp_path, images_per_class=images_per_class, seed=seed)
    assert list(tmp_path.iterdir()) == []


def test_load_writes_one_folder_of_jpeg_files_for_each_class(tmp_path: Path) -> None:
    load(tmp_path, images_per_class=2, seed=5)
    (own,) = tmp_path.iterdir()
    assert own.name == "drawn_vehicles-2-5-v1"
    expected = {f"{name}/{number:06d}.jpg" for name in CLASS_NAMES for number in range(2)}
    assert set(files_below(own)) == expected
    for name in sorted(expected):
        with Image.open(own / name) as image:
            assert image.format == "JPEG"


def test_load_returns_sorted_paths_with_their_labels_and_no_splits_or_groups(tmp_path: Path) -> None:
    examples = load(tmp_path, images_per_class=2)
    assert examples.class_names == CLASS_NAMES
    assert list(examples.paths) == sorted(examples.paths)
    assert [Path(path).parent.name for path in examples.paths] == [name for name in CLASS_NAMES for _ in range(2)]
    assert examples.label_ids.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert examples.label_ids.dtype == np.int32
    assert examples.splits == examples.groups == ("",) * 10


def test_images_of_a_set_are_all_different(tmp_path: Path) -> None:
    contents = [Path(path).read_bytes() for path in load(tmp_path, images_per_class=3).paths]
    assert len(set(contents)) == 15


def test_the_same_seed_gives_the_same_files_in_another_folder(tmp_path: Path) -> None:
    load(tmp_path / "first", images_per_class=1, seed=3)
    load(tmp_path / "second", images_per_class=1, seed=3)
    assert files_below(tmp_path / "first") == files_below(tmp_path / "second")


def test_another_seed_gives_other_images(tmp_path: Path) -> None:
    first = load(tmp_path, images_per_class=1, seed=0)
    second = load(tmp_path, images_per_class=1, seed=1)
    assert not {Path(path).read_bytes() for path in first.paths} & {Path(path).read_bytes() for path in second.paths}


def test_a_larger_set_begins_with_the_images_of_a_smaller_one(tmp_path: Path) -> None:
    small = files_below(Path(load(tmp_path, images_per_class=1).paths[0]).parents[1])
    large = files_below(Path(load(tmp_path, images_per_class=2).paths[0]).parents[1])
    assert small.items() <= large.items()


def test_load_reuses_what_was_drawn_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(tmp_path, images_per_class=1)

    def refuse(*_: object, **__: object) -> Drawing:
        raise AssertionError("drawn again")

    monkeypatch.setattr(drawn_vehicles, "draw", refuse)
    assert load(tmp_path, images_per_class=1).paths == first.paths


def test_load_uses_the_images_of_a_process_that_was_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = terminal.progress

    def be_overtaken(items: Iterable[Any], **options: Any) -> Iterator[Any]:
        monkeypatch.setattr(terminal, "progress", progress)
        load(tmp_path, images_per_class=1)
        return progress(items, **options)

    monkeypatch.setattr(terminal, "progress", be_overtaken)
    examples = load(tmp_path, images_per_class=1)
    assert all(Path(path).is_file() for path in examples.paths)
    assert [path.name for path in tmp_path.iterdir()] == ["drawn_vehicles-1-0-v1"]


def test_an_interrupted_drawing_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> Drawing:
        raise KeyboardInterrupt

    monkeypatch.setattr(drawn_vehicles, "draw", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load(tmp_path, images_per_class=1)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named_with_the_flag(tmp_path: Path) -> None:
    blocked = tmp_path / "data"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"data/drawn_vehicles-1-0-v1.*--dataset_dir"):
        load(blocked, images_per_class=1)


def test_a_file_in_the_place_of_the_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "drawn_vehicles-1-0-v1").write_text("not a folder")
    with pytest.raises(UserError, match=r"drawn_vehicles-1-0-v1.*--dataset_dir"):
        load(tmp_path, images_per_class=1)


def test_a_set_with_missing_images_is_refused_and_not_mended(tmp_path: Path) -> None:
    lost = Path(load(tmp_path, images_per_class=1).paths[2])
    lost.unlink()
    with pytest.raises(UserError, match=r"1 of 5 drawn images are missing.*suv/000000.jpg.*Delete that folder"):
        load(tmp_path, images_per_class=1)
    assert not lost.exists()
