"""What other tools keep images and labels in, and this package does not read: recognized, with what to do instead."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_transfer.data import image_files
from keras_transfer.errors import UserError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")  # http://, gs://, s3://, hf://; one slash is left after Path()
_FOLDERS = "folders, one for each class (photos/cats/1.jpg), and give --image_dir"
_COLUMNS = "a CSV file with the columns path,label"
# Ending -> what such a file is, and what to do.
_FILES = {
    (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst"): (
        "is an archive. Unpack it, and give the folder instead."
    ),
    (".parquet", ".arrow", ".feather"): f"is a binary table. Write its images to files and its labels to {_COLUMNS}.",
    (".xlsx", ".xls", ".ods", ".numbers"): (
        "is a spreadsheet. Save it as 'CSV UTF-8' with the columns path,label, and give that as --image_csv."
    ),
    (".tfrecord", ".tfrecords", ".record"): (
        f"is a TFRecord file. Give the data set's name as --dataset, or write its images to {_FOLDERS}."
    ),
    (".npz", ".npy", ".h5", ".hdf5", ".pkl", ".pickle", ".pt", ".mat", ".db", ".sqlite", ".lmdb"): (
        f"holds arrays or records, not image files. Write its images to {_FOLDERS}."
    ),
    (".xml",): f"is an annotation of boxes. Write the labels to {_COLUMNS}, one for each image.",
    (".yaml", ".yml"): (
        f"describes a YOLO data set, which labels boxes and not images. Cut the boxes out into {_FOLDERS}."
    ),
    (".heic", ".heif"): "is a HEIC photo of a phone. Convert the photos to JPEG first, then give their folder.",
}
_RECORDS = (".tfrecord", ".tfrecords", ".record", ".parquet", ".arrow")
_YOLO_FILES = {"data.yaml", "data.yml", "dataset.yaml", "dataset.yml"}
_COCO = f"is a COCO file, which labels boxes and not images. Write one label for each image to {_COLUMNS}."
_YOLO = (
    "is a YOLO data set (images/ and labels/*.txt), which labels boxes and not images. Cut the boxes out into "
    f"{_FOLDERS}; or in Roboflow export as 'Folder Structure'."
)


def refuse_table(path: str) -> None:
    """Raises UserError where what is given as --image_csv is an address or a file of another tool."""
    _refuse_address("image_csv", path)
    _refuse_by_ending("image_csv", path)
    if path.lower().endswith((".json", ".geojson")) and os.path.isfile(path):
        raise UserError(f"--image_csv={path} {_kind_of_json(Path(path))}")


def refuse_place(flag: str, path: str) -> None:
    """Raises UserError where what is given as a folder of images is an address, or a file of another tool."""
    _refuse_address(flag, path)
    _refuse_by_ending(flag, path)


def refuse_folder(root: str, folders: Sequence[str], files: Sequence[str]) -> None:
    """Raises UserError where a folder is that of a tool that labels boxes, or holds records instead of image files.

    Args:
      root: the folder.
      folders: the folders in it.
      files: the files in it.
    """
    names = {os.path.basename(path).lower() for path in files}
    inner_yolo = [folder for folder in folders if _is_yolo(folder)]
    if _is_yolo(root) or (inner_yolo and (names & _YOLO_FILES or len(inner_yolo) == len(folders))):
        raise UserError(f"{root} {_YOLO}")
    for folder in (root, *folders):
        coco = next((path for path in _names_in(folder) if path.endswith(".coco.json")), "")
        if coco:
            raise UserError(f"{os.path.join(folder, coco)} {_COCO} In Roboflow, export as 'Folder Structure' instead.")
    if {"annotations", "jpegimages"} <= {os.path.basename(path).lower() for path in folders}:
        raise UserError(f"{root} is a Pascal VOC data set, which labels boxes. Write one label an image to {_COLUMNS}.")
    inside = [name for path in (root, *folders) for name in _names_in(path)]
    records = next((name for name in inside if _is_records(name)), "")
    if records and not any(map(image_files.is_image_name, inside)):
        raise UserError(
            f"{root} holds records ({records}) instead of image files. Give a prepared data set of TensorFlow Datasets "
            f"as --dataset and --dataset_dir, or write the images to {_FOLDERS}."
        )


def _refuse_address(flag: str, path: str) -> None:
    if _ADDRESS.match(path):
        raise UserError(
            f"--{flag}={path} is an address on a network, and only files on this machine are read. Download the images "
            "and give their folder."
        )


def _refuse_by_ending(flag: str, path: str) -> None:
    if os.path.isfile(path):
        for endings, what in _FILES.items():
            if path.lower().endswith(endings):
                raise UserError(f"--{flag}={path} {what}")


def _kind_of_json(file: Path) -> str:
    try:
        content: Any = json.loads(file.read_text("utf-8-sig"))
    except (OSError, ValueError):
        return f"is no table and no whole JSON. Write {_COLUMNS}; one JSON object a line is taken as .jsonl."
    if isinstance(content, dict) and {"images", "annotations"} <= content.keys():
        return _COCO
    first = content[0] if isinstance(content, list) and content else None
    if (
        isinstance(first, dict)
        and first.keys() & {"annotations", "predictions"}
        and first.keys() & {"data", "file_upload"}
    ):
        return (
            "is a JSON export of Label Studio. Export the project as CSV there, rename its column of choices to label, "
            "and give the file as --image_csv."
        )
    if isinstance(first, dict):
        return "is a JSON list. Write one JSON object a line, with path and label, to a file that ends in .jsonl."
    return f"is JSON of a kind that is not read. Write {_COLUMNS}, one line for each image."


def _is_yolo(folder: str) -> bool:
    """Whether a folder has images beside their labels as text files: the folders images/ and labels/."""
    if not {"images", "labels"} <= set(_names_in(folder)):
        return False
    below = os.path.join(folder, "labels")
    labels = [os.path.join(below, name) for name in _names_in(below)]
    inner = [os.path.join(path, name) for path in labels if os.path.isdir(path) for name in _names_in(path)]
    files = [path for path in [*labels, *inner] if os.path.isfile(path) and not path.endswith((".cache", ".npy"))]
    return bool(files) and all(path.lower().endswith(".txt") for path in files)


def _is_records(name: str) -> bool:
    return name.lower().endswith(_RECORDS) or re.search(r"\.tfrecord-\d+", name.lower()) is not None


def _names_in(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return []
