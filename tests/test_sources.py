"""Tests of keras_transfer.data.sources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from keras_transfer.data import sources
from keras_transfer.errors import UserError
from keras_transfer.settings.config import SourceConfig


def write_classes(folder: Path) -> Path:
    for name in ("ant", "bee"):
        (folder / name).mkdir(parents=True)
        (folder / name / "1.jpg").write_bytes(b"content")
    return folder


def test_an_image_dir_is_read_as_class_folders(tmp_path):
    assert sources.load(SourceConfig(image_dir=str(write_classes(tmp_path)))).class_names == ("ant", "bee")


def test_an_image_csv_is_read_as_a_csv_file(tmp_path):
    write_classes(tmp_path)
    (tmp_path / "x.csv").write_text("path,label\nant/1.jpg,six legs\nbee/1.jpg,stripes\n")
    assert sources.load(SourceConfig(image_csv=str(tmp_path / "x.csv"))).class_names == ("six legs", "stripes")


def test_drawn_vehicles_are_drawn_into_the_folder_of_data_sets(tmp_path):
    source = SourceConfig(dataset="drawn_vehicles", dataset_dir=str(tmp_path), drawn_images_per_class=4)
    examples = sources.load(source)
    assert examples.class_counts().tolist() == [4, 4, 4, 4, 4]
    assert all(Path(path).is_relative_to(tmp_path / "keras_transfer_images") for path in examples.paths)


def test_another_dataset_is_looked_for_in_tfds(tmp_path):
    with pytest.raises(UserError, match=f"is not prepared in {tmp_path}.*--allow_download"):
        sources.load(SourceConfig(dataset="tf_flowers", dataset_dir=str(tmp_path)))


def test_a_folder_or_csv_file_is_answered_without_tensorflow(tmp_path):
    program = (
        "import sys\n"
        "from keras_transfer.settings.config import SourceConfig\n"
        "from keras_transfer.data import sources\n"
        "sources.load(SourceConfig(image_dir=sys.argv[1]))\n"
        "assert not {'tensorflow', 'tensorflow_datasets', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, str(write_classes(tmp_path))], check=True, timeout=60)


def test_one_class_is_refused_where_two_are_needed_and_taken_where_one_is_enough(tmp_path):
    source = SourceConfig(image_dir=str(tmp_path))
    (write_classes(tmp_path) / "bee" / "1.jpg").unlink()
    (tmp_path / "bee").rmdir()
    with pytest.raises(UserError, match=r"at least two classes\. Received: 1.*ant"):
        sources.load(source)
    assert sources.load(source, least_classes=1).class_names == ("ant",)


@pytest.mark.parametrize("alike", ["ANT", "Ant"])
def test_names_that_differ_only_by_case_are_two_classes_with_a_warning(tmp_path, alike):
    (write_classes(tmp_path) / alike).mkdir()
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system does not tell cases apart")
    (tmp_path / alike / "1.jpg").write_bytes(b"content")
    examples = sources.load(SourceConfig(image_dir=str(tmp_path)))
    assert len(examples.class_names) == 3
    (note,) = examples.notes
    assert note.startswith("WARNING")
    assert repr(alike) in note
