"""The labelled images of a prepared data set of TensorFlow Datasets as files, written once and read again later."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from keras_transfer import terminal
from keras_transfer.atomic_files import whole_folder, write_json
from keras_transfer.data import class_names
from keras_transfer.data.examples import Examples, LeftOut
from keras_transfer.errors import UserError
from keras_transfer.images import file_kinds

_MANIFEST = "manifest.json"
_SPLIT_OF_NAME = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}


@dataclass
class _Written:
    """What was written so far: one entry an image in each list, and what was not."""

    paths: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    unlabelled: Counter[str] = field(default_factory=Counter)


def load(builder: Any, folder: Path) -> Examples:
    """The images of a prepared data set, written to files on the first call.

    The files are FOLDER/NAME/[CONFIG/]VERSION/SPLIT/LABEL/NUMBER.ENDING, where LABEL is the label id of TFDS and NUMBER
    the place in the split; beside the splits, `manifest.json` holds class names, labels and splits. Encoded bytes are
    copied as they are.

    Args:
      builder: a prepared `tfds.core.DatasetBuilder`.
      folder: of the images of all data sets.

    Returns:
      See `tfds_dataset.load`.

    Raises:
      UserError: no image or label feature, or several; no split that can be used; fewer than two classes with
        examples; damaged data; an unwritable folder; files of another preparation of the data set.
    """
    own = folder / builder.info.full_name
    if not (own / _MANIFEST).is_file():
        _write(builder, own)
    manifest = _read_manifest(builder, own)
    names: Sequence[str] = sorted(set(manifest["labels"]))
    class_names.refuse_too_few(names, f"the data set {builder.info.full_name}")
    label_ids = {name: label_id for label_id, name in enumerate(names)}
    rows = sorted(zip(manifest["paths"], manifest["labels"], manifest["splits"], strict=True))
    one_split = len(set(manifest["splits"])) == 1
    return Examples(
        class_names=tuple(names),
        paths=tuple(str(own / path) for path, _, _ in rows),
        label_ids=np.array([label_ids[label] for _, label, _ in rows], np.int32),
        splits=tuple("" if one_split else split for _, _, split in rows),
        groups=("",) * len(rows),
        left_out=tuple(LeftOut(path, reason, is_unreadable=False) for path, reason in manifest["left_out"]),
    )


def _write(builder: Any, own: Path) -> None:
    """Writes the whole folder; where another process was faster, its folder holds the same images and is used."""
    import tensorflow as tf

    image, label = _image_and_label(builder)
    splits = _usable_splits(builder)
    try:
        with whole_folder(own) as temporary:
            written = _write_images(builder, temporary, splits=splits, image=image, label=label)
            write_json(temporary / _MANIFEST, _manifest(builder, written, splits, label))
    except tf.errors.OpError as error:
        raise UserError(
            f"The data set in {builder.data_dir} cannot be read: {error.message}. Delete that folder and prepare it "
            "again."
        ) from error
    except OSError as error:
        if not (own / _MANIFEST).is_file():
            raise UserError(
                f"The images of {builder.info.full_name} cannot be written to {own}: {error}. Give a folder that you "
                "can write to, with enough space, by --dataset_dir; if that one holds files already, delete it."
            ) from error


def _image_and_label(builder: Any) -> tuple[str, str]:
    """Names of the two features: those of the data set's supervised task, or the only ones of their kind."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    own = dict(features.items()) if isinstance(features, tfds.features.FeaturesDict) else {}
    supervised = builder.info.supervised_keys or ()

    def of_kind(kind: type[Any]) -> list[str]:
        names = [name for name, feature in own.items() if isinstance(feature, kind)]
        return [name for name in names if name in supervised] or names

    images, labels = of_kind(tfds.features.Image), of_kind(tfds.features.ClassLabel)
    if len(images) != 1 or len(labels) != 1 or own[images[0]].np_dtype == np.float32:
        kinds = [f"{name} ({type(feature).__name__})" for name, feature in sorted(own.items())]
        raise UserError(
            f"The data set {builder.info.full_name} is not one of image classification: it needs one Image of whole "
            "numbers and one ClassLabel, not inside other features. Its features are "
            f"{', '.join(kinds) or repr(features)}. Choose another data set, or save its images in class folders and "
            "give --image_dir."
        )
    return images[0], labels[0]


def _usable_splits(builder: Any) -> dict[str, str]:
    """Split of the data set -> train, validation or test; a data set's only split may have any name."""
    names = list(builder.info.splits)
    known = {name: _SPLIT_OF_NAME[name] for name in names if name in _SPLIT_OF_NAME}
    if not known and len(names) == 1:
        return {names[0]: "train"}
    if not known:
        raise UserError(
            f"The data set {builder.info.full_name} has none of the splits train, validation and test, but "
            f"{', '.join(names) or 'none at all'}. Save its images in class folders and give --image_dir."
        )
    return known


def _write_images(builder: Any, root: Path, *, splits: dict[str, str], image: str, label: str) -> _Written:
    written = _Written()
    class_of = builder.info.features[label].int2str
    total = sum(builder.info.splits[name].num_examples for name in splits)
    examples = _encoded(builder, list(splits), image=image, label=label)
    for name, number, encoded, label_id in terminal.progress(examples, total=total, title="Writing images"):
        if label_id < 0:  # TFDS's mark for "no label"
            written.unlabelled[name] += 1
            continue
        ending = file_kinds.ENDING_OF_READABLE.get(file_kinds.format_of_bytes(encoded), ".unknown")
        path = f"{name}/{label_id}/{number:06d}{ending}"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(encoded)
        written.paths.append(path)
        written.labels.append(class_of(label_id))
        written.splits.append(splits[name])
    return written


def _encoded(builder: Any, names: Sequence[str], *, image: str, label: str) -> Iterator[tuple[str, int, bytes, int]]:
    """(split, number in it, encoded image, label id of TFDS) of every example; other features are not read."""
    import tensorflow_datasets as tfds

    decoders = tfds.decode.PartialDecoding({image: True, label: True}, decoders={image: tfds.decode.SkipDecoding()})
    for name in names:
        dataset = builder.as_dataset(
            split=name, decoders=decoders, shuffle_files=False, read_config=tfds.ReadConfig(try_autocache=False)
        )
        for number, example in enumerate(dataset.as_numpy_iterator()):
            yield name, number, example[image], int(example[label])


def _manifest(builder: Any, written: _Written, splits: dict[str, str], label: str) -> dict[str, Any]:
    full_name = builder.info.full_name
    sizes = _sizes(builder)
    left_out = [
        (f"{full_name} split {name}", f"{size} examples: only train, validation and test are used")
        for name, size in sizes.items()
        if name not in splits
    ]
    left_out += [
        (f"{full_name} split {name}", f"{count} examples without a label") for name, count in written.unlabelled.items()
    ]
    left_out += [
        (f"{full_name} class {name}", "the data set declares this class, but has no example of it")
        for name in sorted(set(builder.info.features[label].names) - set(written.labels))
    ]
    columns = {"paths": written.paths, "labels": written.labels, "splits": written.splits}
    return {"data_set": full_name, "split_sizes": sizes, "left_out": left_out, **columns}


def _sizes(builder: Any) -> dict[str, int]:
    return {name: int(split.num_examples) for name, split in builder.info.splits.items()}


def _read_manifest(builder: Any, own: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((own / _MANIFEST).read_text(encoding="utf-8"))
    if manifest["split_sizes"] != _sizes(builder):
        raise UserError(
            f"The images in {own} were written from another preparation of the data set ({manifest['split_sizes']} "
            f"examples; now {_sizes(builder)}). Delete that folder to have them written again."
        )
    return manifest
