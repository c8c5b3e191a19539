"""Odd images and folders, through the commands: each is used, or left out with its reason, or one clear error."""

from __future__ import annotations

import csv
import io
import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from small_training import run_command, small_run_flags

BEETLE, QUOTED, LONE = "Käfer 🐞", 'it\'s "red"', "lone wolf"
COLOURS = {BEETLE: (40, 200, 60), QUOTED: (220, 50, 40), LONE: (40, 60, 220)}
COLUMNS = [f"probability_{name}" for name in COLOURS]


def image(class_name: str, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).normal(COLOURS[class_name], 25, (40, 50, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def encode(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def sixteen_bits() -> bytes:
    levels = np.asarray(image(BEETLE, 1).convert("L")).astype(np.uint16) * 257
    return encode(Image.fromarray(levels), "PNG")


def transparent_palette() -> bytes:
    return encode(image(BEETLE, 2).quantize(16), "PNG", transparency=3)


def png_of_one_colour(width: int, height: int) -> bytes:
    """A whole black PNG of one bit a pixel (W3C PNG specification): 200 million pixels in a file of 25 KB."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((1 + -(-width // 8)) * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


# Path below the folder of the training photos -> content.
USABLE = {
    f"{BEETLE}/still.gif": encode(image(BEETLE, 3), "GIF"),
    f"{BEETLE}/animated.gif": encode(image(BEETLE, 4), "GIF", save_all=True, append_images=[image(QUOTED)]),
    f"{BEETLE}/16 bits.png": sixteen_bits(),
    f"{BEETLE}/256 colours.bmp": encode(image(BEETLE, 15).quantize(256), "BMP"),
    f"{BEETLE}/palette with transparency.png": transparent_palette(),
    f"{BEETLE}/folders/in folders/nested.jpg": encode(image(BEETLE, 5), "JPEG"),
    f"{QUOTED}/cmyk.jpg": encode(image(QUOTED, 6).convert("CMYK"), "JPEG"),
    f"{QUOTED}/grayscale.jpg": encode(image(QUOTED, 7).convert("L"), "JPEG"),
    f"{QUOTED}/1x1.png": encode(Image.new("RGB", (1, 1), COLOURS[QUOTED]), "PNG"),
    f'{QUOTED}/it\'s "quoted".jpg': encode(image(QUOTED, 8), "JPEG"),
    f"{QUOTED}/blanks, ümläuts & 😀.jpg": encode(image(QUOTED, 9), "JPEG"),
    f"{LONE}/the only one.jpg": encode(image(LONE, 10), "JPEG"),
}
# Path -> content and what the reason must tell.
UNUSABLE = {
    f"{BEETLE}/empty.jpg": (b"", "empty (0 bytes)"),
    f"{BEETLE}/cut off.jpg": (encode(image(BEETLE, 11), "JPEG")[:-200], "a JPEG that is cut off"),
    f"{BEETLE}/text.jpg": (b"dear diary", "a text file"),
    f"{BEETLE}/page.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
    f"{BEETLE}/pointer.jpg": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
    f"{BEETLE}/heic.jpg": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "HEIC"),
    f"{QUOTED}/tiff.jpg": (encode(image(QUOTED, 12), "TIFF"), "TIFF"),
    f"{QUOTED}/half.png": (encode(image(QUOTED, 13), "PNG")[:3000], "a PNG that is cut off"),
    f"{QUOTED}/palette with holes.bmp": (encode(image(QUOTED, 14).quantize(16), "BMP")[:-9], "The BMP is cut off"),
    f"{QUOTED}/20000 x 10000.png": (png_of_one_colour(20_000, 10_000), "its header declares 20000 x 10000 pixels"),
}
LOOP = f"{BEETLE}/leads to itself.jpg"


@dataclass(frozen=True)
class OddRun:
    """What the commands left: data.json of `train`, the CSV of `predict`, metrics.json of `evaluate`; by path."""

    trained: dict[str, dict[str, str]]
    left_out: dict[str, dict[str, Any]]
    metrics: dict[str, Any]
    predicted: dict[str, dict[str, str]]
    evaluation: dict[str, Any]


def write_photos(folder: Path) -> None:
    for name, content in {**USABLE, **{name: content for name, (content, _) in UNUSABLE.items()}}.items():
        (folder / "train" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "train" / name).write_bytes(content)
    (folder / "train" / LOOP).symlink_to(Path(LOOP).name)
    (folder / "train" / BEETLE / "loop").symlink_to("..")
    for number, name in enumerate((BEETLE, QUOTED)):
        (folder / "val" / name).mkdir(parents=True)
        image(name, 100 + number).save(folder / "val" / name / "plain.jpg")


@pytest.fixture(scope="module")
def odd_run(tmp_path_factory: pytest.TempPathFactory) -> OddRun:
    folder = tmp_path_factory.mktemp("odd files")
    photos = folder / "photos"
    write_photos(photos)
    flags = [*small_run_flags(photos, folder), "--max_unreadable_fraction=0.6"]
    assert run_command("train", *flags) == 0
    export = f"--export_dir={folder / 'run' / 'export' / 'cars' / '1'}"
    assert run_command("predict", export, f"--images={photos / 'train'}", f"--output={folder / 'p.csv'}") == 0
    flags = [f"--image_dir={photos}", "--evaluate_split=train", "--max_unreadable_fraction=0.6"]
    assert run_command("evaluate", export, *flags, f"--output={folder / 'evaluation'}") == 0

    def by_name(rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {str(Path(row["path"]).relative_to(photos / "train")): row for row in rows if "/train/" in row["path"]}

    data = json.loads((folder / "run" / "data.json").read_text("utf-8"))
    with (folder / "p.csv").open(newline="", encoding="utf-8") as file:
        predicted = by_name(list(csv.DictReader(file)))
    evaluation = json.loads((folder / "evaluation" / "metrics.json").read_text("utf-8"))
    return OddRun(
        trained=by_name(data["examples"]),
        left_out=by_name(data["left_out"]),
        metrics=json.loads((folder / "run" / "metrics.json").read_text("utf-8")),
        predicted=predicted,
        evaluation={**evaluation, "left_out": by_name(evaluation["left_out"])},
    )


@pytest.mark.parametrize("name", USABLE)
def test_it_is_trained_on_and_predicted(odd_run, name):
    assert odd_run.trained[name]["label"] == name.partition("/")[0]
    assert odd_run.trained[name]["split"] == "train"
    answer = odd_run.predicted[name]
    assert answer["error"] == ""
    assert answer["label"] in COLOURS
    assert sum(float(answer[column]) for column in COLUMNS) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", [*UNUSABLE, LOOP])
def test_it_is_left_out_and_the_reason_is_told_wherever_it_is_missing(odd_run, name):
    words = UNUSABLE[name][1] if name in UNUSABLE else "is a link to a file that is not there"
    assert words in odd_run.left_out[name]["reason"]
    assert odd_run.left_out[name]["is_unreadable"]
    assert words in odd_run.evaluation["left_out"][name]["reason"]
    answer = odd_run.predicted[name]
    assert words in answer["error"]
    assert [answer[column] for column in ("label", "score", *COLUMNS)] == [""] * 5


def test_every_file_is_accounted_for_once_although_a_link_leads_in_a_circle(odd_run):
    assert set(odd_run.trained) == set(USABLE)
    assert set(odd_run.left_out) == {*UNUSABLE, LOOP}
    assert set(odd_run.predicted) == {*USABLE, *UNUSABLE, LOOP}
    assert odd_run.metrics["examples"] == {
        "train": len(USABLE),
        "validation": 2,
        "test": 0,
        "left_out": len(UNUSABLE) + 1,
    }
    assert odd_run.evaluation["evaluation"]["examples"] == len(USABLE)


def test_without_a_test_split_there_are_no_test_metrics(odd_run):
    assert odd_run.metrics["test"] is None
    assert odd_run.metrics["validation"]["examples"] == 2


def test_plain_colours_are_told_apart_in_the_end(odd_run):
    plain = [f"{BEETLE}/folders/in folders/nested.jpg", f'{QUOTED}/it\'s "quoted".jpg', f"{LONE}/the only one.jpg"]
    assert [odd_run.predicted[name]["label"] for name in plain] == list(COLOURS)


def write(folder: Path, *names: str) -> Path:
    """Photos by name, all different; a name that ends in / is an empty folder, and text.jpg is no photo."""
    for seed, name in enumerate(names):
        path = folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if name.endswith("/text.jpg"):
            path.write_text("dear diary")
        elif not name.endswith("/"):
            image(LONE, seed).save(path)
    return folder


def write_two_names_of_one_folder(folder: Path) -> Path:
    write(folder, "a/1.jpg")
    (folder / "b").symlink_to("a")
    return folder


def write_link_to_itself(folder: Path) -> Path:
    folder.symlink_to(folder.name)
    return folder


MISTAKES = {
    "an empty class folder": (lambda folder: write(folder, "a/1.jpg", "a/2.jpg", "b/"), "Add images, or remove the fo"),
    "one class only": (lambda folder: write(folder, "a/1.jpg", "a/2.jpg"), "at least two classes. Received: 1"),
    "one image in every class": (lambda folder: write(folder, "a/1.jpg", "b/1.jpg"), "too few for a validation split"),
    "a class of which no image can be read": (
        lambda folder: write(folder, "a/1.jpg", "a/2.jpg", "b/text.jpg"),
        "No image of class 'b' can be read",
    ),
    "no image that can be read": (lambda folder: write(folder, "a/text.jpg", "b/text.jpg"), "class 'a', 'b' can be"),
    "one folder under two names": (write_two_names_of_one_folder, "its images would have two labels"),
    "a link that leads to itself": (write_link_to_itself, "There is no folder or file"),
    "images without class folders": (lambda folder: write(folder, "1.jpg"), "holds no folders"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_photos_gets_one_error_and_leaves_nothing(tmp_path, capsys, mistake):
    make, words = MISTAKES[mistake]
    flags = small_run_flags(make(tmp_path / "photos"), tmp_path)
    assert run_command("train", *flags, "--max_unreadable_fraction=1") == 1
    printed = capsys.readouterr().err
    assert words in printed
    assert printed.count("ERROR: ") == 1
    assert not [path for name in ("run", "cache") for path in (tmp_path / name).rglob("*")]
