"""Tests of keras_transfer.data.near_copies."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from keras_transfer.data import components, near_copies
from keras_transfer.images import looks
from keras_transfer.settings.config import ImageConfig
from small_pictures import picture


def re_encoded(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=50)
    return Image.open(file)


CHANGES = {
    "the same": lambda image: image,
    "re-encoded": re_encoded,
    "half as large": lambda image: image.resize((image.width // 2, image.height // 2)),
    "squashed": lambda image: image.resize((200, 100)),
    "mirrored": ImageOps.mirror,
    "cropped": lambda image: image.crop((8, 3, 195, 140)),
    "mirrored and cropped": lambda image: ImageOps.mirror(image).crop((5, 5, 195, 145)),
    "in grey": lambda image: image.convert("L").convert("RGB"),
    "darker": lambda image: image.point(lambda value: value * 0.7),
    "a thumbnail": lambda image: image.resize((48, 36)),
    "with the white balance of a lamp": lambda image: Image.fromarray(
        np.clip(np.asarray(image) * (1.1, 1.0, 0.85), 0, 255).astype(np.uint8)
    ),
    "with the noise of the next shot": lambda image: Image.fromarray(
        np.clip(np.asarray(image) + np.random.default_rng(0).normal(0, 8, (150, 200, 3)), 0, 255).astype(np.uint8)
    ),
}


def find(images: list[Image.Image]) -> list[tuple[int, int]]:
    small = [looks.shrink(np.asarray(image.convert("RGB"))) for image in images]
    pairs = near_copies.find(looks.describe(small), small.__getitem__)
    assert (pairs.score >= near_copies.LEAST_CORRELATION).all()
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


def repainted(image: Image.Image) -> Image.Image:
    """As light and dark as before, with red things in blue."""
    red, green, blue = image.split()
    return Image.merge("RGB", (blue, green, red))


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_among_other_pictures_and_nothing_else(change):
    others = [picture(seed) for seed in range(1, 9)]
    copy = CHANGES[change](picture(0))
    assert find([*others[:4], picture(0), *others[4:], copy]) == [(4, 9)]
    assert find([copy, *others, picture(0)]) == [(0, 9)]


def test_three_copies_are_three_pairs():
    assert find([picture(0), picture(1), re_encoded(picture(0)), ImageOps.mirror(picture(0))]) == [
        (0, 2),
        (0, 3),
        (2, 3),
    ]


def test_plain_pictures_are_no_copies_of_each_other():
    assert find([Image.new("RGB", (50, 50), (grey, grey, grey)) for grey in (0, 50, 200, 255)]) == []


@pytest.mark.parametrize("count", [0, 1])
def test_there_are_no_pairs_of_fewer_than_two(count):
    assert find([picture(0)] * count) == []


def test_blocks_of_pairs_leave_none_out_and_count_none_twice(monkeypatch):
    images = [picture(seed % 7) for seed in range(20)]
    expected = [(i, j) for i in range(20) for j in range(i + 1, 20) if i % 7 == j % 7]
    assert sorted(find(images)) == expected
    monkeypatch.setattr(near_copies, "_ROWS", 3)
    monkeypatch.setattr(near_copies, "_COLUMNS", 6)
    monkeypatch.setattr(near_copies, "_CHUNK", 2)
    assert sorted(find(images)) == expected


def test_where_there_are_too_many_candidates_each_keeps_its_nearest(monkeypatch):
    images = [picture(0).crop((8, 3, 195, 140)), picture(0), picture(0)]
    assert len(find(images)) == 3
    monkeypatch.setattr(near_copies, "_LEAST_BOUND", 1)
    monkeypatch.setattr(near_copies, "_CANDIDATES_A_PICTURE", 0)
    assert find(images) == [(0, 1), (1, 2)]


def test_films_of_very_many_frames_stay_whole_in_little_memory(monkeypatch):
    """Of which all pairs of frames are candidates."""
    monkeypatch.setattr(near_copies, "_LEAST_BOUND", 10)
    monkeypatch.setattr(near_copies, "_ROWS", 8)
    small = [looks.shrink(np.asarray(picture(seed // 40))) for seed in range(120)]
    pairs = near_copies.find(looks.describe(small), small.__getitem__)
    assert len(pairs.first) <= 2 * len(small)
    joined = components.join(list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)), len(small))
    assert [len(set(joined[start : start + 40])) for start in (0, 40, 80)] == [1, 1, 1]
    assert len(set(joined)) == 3


def test_another_colour_is_another_picture():
    assert find([picture(0), picture(1), repainted(picture(0))]) == []
    assert find([picture(0), picture(1), repainted(repainted(picture(0)))]) == [(0, 2)]


def test_pictures_of_too_little_contrast_are_copies_of_none():
    """Though their hashes and their details are the same."""
    faint = [Image.eval(picture(0), lambda value: 120 + value // 32) for _ in range(2)]
    assert find([*faint, picture(1)]) == []


CHANGES_FOUND_IN_ORDER = ("the same", "re-encoded", "half as large", "mirrored", "in grey", "darker")


@pytest.mark.parametrize("change", CHANGES_FOUND_IN_ORDER)
def test_of_very_many_pictures_neighbours_in_order_are_compared(monkeypatch, change):
    monkeypatch.setattr(near_copies, "MOST_COMPARED_WITH_ALL", 10)
    images = [picture(seed) for seed in range(60)]
    copies = [CHANGES[change](picture(seed)) for seed in range(0, 40, 2)]
    found = find([*images, *copies])
    expected = [(seed, 60 + place) for place, seed in enumerate(range(0, 40, 2))]
    assert set(found) <= set(expected)
    assert len(found) == len(set(found)) >= 0.95 * len(expected)


def test_only_pictures_of_likely_pairs_are_read_again():
    small = [looks.shrink(np.asarray(picture(seed % 50))) for seed in range(52)]
    asked = []

    def read(index: int) -> np.ndarray:
        asked.append(index)
        return small[index]

    pairs = near_copies.find(looks.describe(small), read)
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([0, 1], [50, 51])
    assert len(asked) == len(set(asked)) <= 8


def test_a_file_that_is_gone_looks_like_nothing(tmp_path):
    picture(0).save(tmp_path / "a.png")
    read = near_copies.make_reader(image=ImageConfig(), max_pixels=10**6)
    np.testing.assert_array_equal(read(str(tmp_path / "a.png")), looks.shrink(np.asarray(picture(0))))
    assert not read(str(tmp_path / "gone.png")).any()
