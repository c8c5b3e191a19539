"""The inspect_data command on small folders with planted faults: what it finds, writes, prints and leaves alone."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps

from keras_transfer.data import sources
from keras_transfer.inspect_data import exit_code as exit_code_of
from keras_transfer.settings.command_line import parse
from keras_transfer.settings.config import SourceConfig, TrainConfig, to_flat
from small_pictures import picture
from small_training import ask_command, run_command

COUNTS = {"train": 6, "test": 5}
# The head stands on the lowest block of random weights, so that it is quick.
FEATURES = ("--backbone=mobilenetv2", "--weights=random", "--image_size=64", "--precision=float32")


@dataclass(frozen=True)
class Inspected:
    """What the command left and printed."""

    photos: Path
    output: Path
    exit_code: int
    result: dict[str, Any]
    printed: str

    def findings(self, kind: str) -> list[list[str]]:
        """Files of each finding of a kind, below the folder of photos."""
        rows = [row["files"] for row in self.result["findings"] if row["kind"] == kind]
        return [[str(Path(file).relative_to(self.photos)) for file in files] for files in rows]


def write_photos(folder: Path) -> None:
    """Eleven different photos in each of two classes."""
    seed = 0
    for split, count in COUNTS.items():
        for name in ("ants", "bees"):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                picture(seed, 300, 260).save(folder / split / name / f"{number}.jpg", quality=90)
                seed += 1


def plant(folder: Path) -> None:
    """One fault of each kind that needs no features."""
    train, test = folder / "train", folder / "test"
    shutil.copy(train / "ants" / "0.jpg", test / "ants" / "leaked.jpg")
    with Image.open(train / "ants" / "1.jpg") as photo:
        ImageOps.mirror(photo).resize((240, 208)).save(test / "ants" / "mirrored.jpg")
    shutil.copy(train / "ants" / "2.jpg", train / "bees" / "other label.jpg")
    content = (train / "ants" / "3.jpg").read_bytes()
    (train / "ants" / "cut off.jpg").write_bytes(content[: len(content) // 2])
    (train / "bees" / "damaged.jpg").write_bytes(content[:-2] + b"some more bytes" + content[-2:])
    picture(99, 300, 260).save(train / "bees" / "really a png.jpg", "PNG")
    (train / "bees" / "notes.txt").write_text("dear diary")
    Image.new("RGB", (300, 260), (9, 9, 9)).save(train / "bees" / "black.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(98, 300, 260).save(train / "bees" / "on its side.jpg", exif=exif)


def digests(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def inspected(tmp_path_factory: pytest.TempPathFactory) -> Inspected:
    folder = tmp_path_factory.mktemp("inspected")
    photos, output = folder / "photos", folder / "inspection"
    write_photos(photos)
    plant(photos)
    before = digests(photos)
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("builtins.print", lambda text="", **_: lines.append(str(text)))
        exit_code = run_command("inspect_data", f"--image_dir={photos}", f"--output={output}")
    assert digests(photos) == before
    result = json.loads((output / "inspection.json").read_text("utf-8"))
    return Inspected(photos, output, exit_code, result, "\n".join(lines))


EXPECTED = {
    "unreadable": [["train/ants/cut off.jpg"]],
    "damaged": [["train/bees/damaged.jpg"]],
    "exact_copies_across_splits": [["test/ants/leaked.jpg", "train/ants/0.jpg"]],
    "near_copies_across_splits": [["test/ants/mirrored.jpg", "train/ants/1.jpg"]],
    "exact_copies_of_two_classes": [["train/ants/2.jpg", "train/bees/other label.jpg"]],
    "near_copies_of_two_classes": [["train/ants/3.jpg", "train/bees/damaged.jpg"]],
    "wrong_extension": [["train/bees/really a png.jpg"]],
    "nearly_constant": [["train/bees/black.png"]],
    "exif_orientation": [["train/bees/on its side.jpg"]],
    "left_out": [["train/bees/notes.txt"]],
    "tiny_class": [[]],
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_each_planted_fault_is_found(inspected, kind):
    assert [sorted(files) for files in inspected.findings(kind)] == EXPECTED[kind]


def test_nothing_else_is_found(inspected):
    assert set(inspected.result["kinds"]) == set(EXPECTED)


def test_errors_make_the_exit_code_one(inspected):
    assert inspected.exit_code == 1
    assert inspected.result["counts"] == {"error": 6, "warning": 4, "info": 1}


def test_the_table_counts_each_kind_and_names_what_was_written(inspected):
    table = inspected.printed.partition("\nInspection\n")[2]
    assert "error: exact copies across splits   1" in table
    assert "6 errors, 4 warnings, 1 notes" in table
    for name in ("inspection.html", "inspection.json", "exclude.txt"):
        assert str(inspected.output / name) in table
        assert (inspected.output / name).is_file()


def test_the_list_leaves_out_what_is_certain_and_can_be_given_to_train_and_evaluate(inspected):
    source = SourceConfig(image_dir=str(inspected.photos), exclude_list=str(inspected.output / "exclude.txt"))
    examples = sources.load(source)
    kept = {str(Path(path).relative_to(inspected.photos)) for path in examples.paths}
    everything = {str(path.relative_to(inspected.photos)) for path in inspected.photos.rglob("*.*g")}
    assert everything - kept == {
        "train/ants/cut off.jpg",
        "train/bees/damaged.jpg",
        "train/ants/0.jpg",
        "train/ants/1.jpg",
        "train/ants/2.jpg",
        "train/bees/other label.jpg",
    }


def test_the_page_shows_a_picture_of_each_copy(inspected):
    page = (inspected.output / "inspection.html").read_text("utf-8")
    assert page.count('alt="mirrored.jpg, test · ants"') == 1
    assert "data:image/jpeg;base64," in page


def next_settings(output: Path) -> dict[str, Any]:
    """The settings of the command that inspection.json says to type next, as a shell and train read it."""
    command = json.loads((output / "inspection.json").read_text("utf-8"))["next_command"]
    words = shlex.split(command)
    assert words[1:3] == ["-m", "keras_transfer.train"]
    return to_flat(parse(TrainConfig, ["train", *words[3:]]))


def test_the_verdict_and_the_next_command_are_printed_and_on_the_page(inspected):
    page = (inspected.output / "inspection.html").read_text("utf-8")
    result = inspected.result
    assert result["conclusion"]["level"] == "go"  # the conflict goes, because one of its files is damaged
    assert result["conclusion"]["decision"] in inspected.printed
    assert result["next_command"] in inspected.printed
    assert page.index('class="decision go"') < page.index("exclude_") < page.index("<details")
    settings = next_settings(inspected.output)
    assert settings["exclude_list"] == str(inspected.output / "exclude.txt")
    assert settings["image_dir"] == str(inspected.photos)


def test_the_page_marks_what_the_list_leaves_out(inspected):
    page = (inspected.output / "inspection.html").read_text("utf-8")
    assert '<figure class="dropped">' in page
    assert page.count("left out by exclude.txt") >= 6


GIVEN = {
    "backbone": "mobilenetv2",
    "weights": "random",
    "image_size": 64,
    "resize_mode": "pad",
    "apply_exif": True,
    "max_image_pixels": 1_000_000,
    "max_unreadable_fraction": 0.5,
    "feature_cache_dir": "the cache",
    "precision": "float32",
    "allow_download": True,
}


@pytest.fixture(scope="module")
def settings_after(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the next command of an inspection with the settings of `GIVEN` would use."""
    folder = tmp_path_factory.mktemp("given")
    write_photos(folder / "it's my photos")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        flags = [f"--{name}={str(value).lower()}" for name, value in GIVEN.items()]
        run_command("inspect_data", "--image_dir=it's my photos", "--output=out put", *flags)
    return next_settings(folder / "out put")


@pytest.mark.parametrize("name", GIVEN)
def test_the_next_command_keeps_what_was_given(settings_after, name):
    assert settings_after[name] == GIVEN[name]


def test_the_next_command_names_the_photos_as_they_were_given(settings_after):
    assert settings_after["image_dir"] == "it's my photos"


def test_the_next_command_names_a_csv_file_and_takes_an_earlier_list_along(tmp_path):
    write_photos(tmp_path / "photos")
    shutil.copy(tmp_path / "photos/train/ants/0.jpg", tmp_path / "photos/test/ants/leaked.jpg")
    paths = sorted(path.relative_to(tmp_path) for path in (tmp_path / "photos").rglob("*.jpg"))
    rows = [f"{path},{path.parts[2]},{path.parts[1]}" for path in paths]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    (tmp_path / "mine.txt").write_text("photos/train/bees/3.jpg\n")
    flags = [f"--image_csv={tmp_path / 'labels.csv'}", f"--exclude_list={tmp_path / 'mine.txt'}"]
    run_command("inspect_data", *flags, f"--output={tmp_path / 'out'}")
    settings = next_settings(tmp_path / "out")
    assert settings["image_csv"] == str(tmp_path / "labels.csv")
    source = SourceConfig(image_csv=settings["image_csv"], exclude_list=settings["exclude_list"])
    kept = {str(Path(path).relative_to(tmp_path)) for path in sources.load(source).paths}
    assert {str(path) for path in paths} - kept == {"photos/train/bees/3.jpg", "photos/train/ants/0.jpg"}


def test_photos_that_cannot_be_trained_on_have_a_reason_and_no_command(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(3):
        picture(number, 300, 260).save(tmp_path / "photos" / f"{number}.jpg")
    run_command("inspect_data", f"--image_dir={tmp_path / 'photos'}", f"--output={tmp_path / 'out'}")
    result = json.loads((tmp_path / "out" / "inspection.json").read_text("utf-8"))
    assert result["conclusion"]["level"] == "stop"
    assert result["next_command"] == ""


def test_photos_without_faults_are_clean_and_their_features_are_checked(tmp_path, capsys):
    write_photos(tmp_path / "photos")
    flags = [
        f"--image_dir={tmp_path / 'photos'}",
        f"--output={tmp_path / 'out'}",
        f"--feature_cache_dir={tmp_path / 'c'}",
    ]
    assert run_command("inspect_data", *flags, *FEATURES) == 0
    result = json.loads((tmp_path / "out" / "inspection.json").read_text("utf-8"))
    assert result["counts"]["error"] == 0
    assert result["features"] == {"backbone": "mobilenetv2", "weights": "random", "precision": "float32"}
    assert [row["split"] for row in result["drift"]] == ["test"]
    assert len(result["labels"]) == 2 * sum(COUNTS.values())
    assert "mobilenetv2, random weights" in capsys.readouterr().out


def test_a_finished_run_brings_its_network_image_settings_and_bank(small_run, tmp_path):
    flags = [f"--image_dir={small_run.photos}", f"--run_dir={small_run.path}", f"--output={tmp_path / 'out'}"]
    run_command("inspect_data", *flags)
    result = json.loads((tmp_path / "out" / "inspection.json").read_text("utf-8"))
    assert result["features"]["backbone"] == "vgg16"
    assert result["features"]["weights"] == "random"
    settings = next_settings(tmp_path / "out")
    assert (settings["backbone"], settings["image_size"], settings["weights"]) == ("vgg16", 32, "random")
    assert "small" not in result["kinds"]  # the run's images have 32 pixels, as its network sees


def test_with_apply_exif_a_photo_on_its_side_is_no_finding(inspected, tmp_path):
    flags = [f"--image_dir={inspected.photos}", f"--output={tmp_path / 'out'}", "--apply_exif"]
    assert run_command("inspect_data", *flags) == 1
    assert "exif_orientation" not in json.loads((tmp_path / "out" / "inspection.json").read_text("utf-8"))["kinds"]


def test_a_folder_of_images_without_classes_is_inspected_for_files_and_copies(tmp_path):
    (tmp_path / "photos").mkdir()
    for number in range(3):
        picture(number, 300, 260).save(tmp_path / "photos" / f"{number}.jpg")
    shutil.copy(tmp_path / "photos" / "0.jpg", tmp_path / "photos" / "copy.jpg")
    assert run_command("inspect_data", f"--image_dir={tmp_path / 'photos'}", f"--output={tmp_path / 'out'}") == 0
    assert json.loads((tmp_path / "out" / "inspection.json").read_text("utf-8"))["kinds"] == {"exact_copies": 1}


def test_where_no_image_can_be_read_each_is_an_error(tmp_path):
    for name in ("ants", "bees"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        (tmp_path / "photos" / name / "1.jpg").write_text("dear diary")
    assert run_command("inspect_data", f"--image_dir={tmp_path / 'photos'}", f"--output={tmp_path / 'out'}") == 1
    kinds = json.loads((tmp_path / "out" / "inspection.json").read_text("utf-8"))["kinds"]
    assert kinds == {"unreadable": 2, "tiny_class": 2}


@pytest.mark.parametrize(
    ("flags", "exit_code", "words"),
    [
        ((), 2, "No images: give one of"),
        (("--image_dir=nowhere",), 1, "There is no folder or file 'nowhere'"),
        (("--image_dir=.", "--output="), 2, "--output is missing"),
        (("--image_dir=.", "--run_dir=x", "--backbone=vgg16"), 2, "--run_dir brings its own network"),
        (("--dataset=drawn_vehicles", "--backbone=vgg16", "--weights=nowhere.h5"), 1, "no weights file nowhere.h5"),
        (("--dataset=drawn_vehicles", "--backbone=vgg16"), 1, "--allow_download"),
        (("--image_dir=.", "--output=/dev/null/inspection"), 1, "--output=/dev/null/inspection"),
        (("--image_dir=.", "--backbone=mobilenetv22"), 2, "Did you mean 'mobilenetv2'?"),
    ],
)
def test_a_mistake_is_answered_before_tensorflow_is_imported_and_leaves_nothing(tmp_path, flags, exit_code, words):
    answer = ask_command("inspect_data", *flags, folder=tmp_path)
    assert answer.exit_code == exit_code
    assert words in answer.errors
    assert "tensorflow" not in answer.imported
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("errors", "code"), [(0, 0), (1, 1), (7, 1)])
def test_only_findings_of_severity_error_make_the_exit_code_one(errors, code):
    assert exit_code_of({"counts": {"error": errors, "warning": 5, "info": 5}}) == code
