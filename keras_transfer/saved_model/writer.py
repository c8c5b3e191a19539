"""Writes an export beside its place, so that it can be checked before it appears by rename."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_transfer import atomic_files
from keras_transfer.errors import UserError
from keras_transfer.saved_model import digests, model_card, reader, signatures, version_folder, warmup
from keras_transfer.saved_model.signatures import ExportSpec

MODEL_CARD_FILE = Path("assets.extra") / "MODEL_CARD.md"
# What the server's Classify call looks for; `tf.saved_model.save` writes "predict" everywhere.
_CLASSIFY_METHOD = "tensorflow/serving/classify"
# The shapes that the graphs ask for; their own specs promise none, because a server does not hold clients to them.
_INPUT_SHAPES = {"image_bytes": (-1,), "inputs": (-1,), "images": (-1, -1, -1, 3)}


@contextlib.contextmanager
def staging(spec: ExportSpec, *, folder: Path, version: int) -> Iterator[reader.Export]:
    """Writes and loads an export; it appears as `folder/version` when the block ends, and not at all if it raises.

    The digests of its files are added at the end, over all that the block wrote into it.

    Args:
      spec: what to export.
      folder: of the served model, whose name it bears; holds its numbered versions.
      version: must not exist yet.

    Yields:
      The export, loaded from its temporary place, for checks that may refuse it by raising.

    Raises:
      UserError: the version exists.
    """
    check_version_is_free(folder, version)
    with atomic_files.whole_folder(folder / str(version)) as temporary:
        module, functions = signatures.build_module(spec)
        tf.saved_model.save(module, str(temporary), signatures=functions)
        _complete_signature_defs(temporary)
        labels = temporary / version_folder.LABELS_FILE
        labels.parent.mkdir()
        labels.write_text("".join(f"{name}\n" for name in spec.class_names), "utf-8")
        warmup.write(temporary, model_name=folder.name, serving=spec.serving)
        yield reader.read(temporary)
        digests.write(temporary)


def check_version_is_free(folder: Path, version: int) -> None:
    """Refuses a version that exists already, because servers keep the one they loaded.

    Raises:
      UserError: with the next free number.
    """
    if (folder / str(version)).exists():
        raise UserError(
            f"{folder / str(version)} exists already, and a published version never changes. "
            f"Give --export_version={next_version(folder)}."
        )


def next_version(folder: Path) -> int:
    """One more than the highest version in the folder of a served model; 1 where there is none."""
    return max(published_versions(folder), default=0) + 1


def published_versions(folder: Path) -> list[int]:
    """The numbers of the versions in the folder of a served model, in order."""
    return sorted(int(entry.name) for entry in folder.glob("*") if entry.name.isdecimal())


def write_metadata(export: reader.Export, metadata: Mapping[str, Any]) -> None:
    """Adds metadata.json, and the model card made from it, to an export that is not published yet."""
    text = atomic_files.json_text(metadata)
    (export.path / version_folder.METADATA_FILE).write_text(text, "utf-8")
    (export.path / MODEL_CARD_FILE).write_text(model_card.render(json.loads(text)), "utf-8")


def _complete_signature_defs(version_dir: Path) -> None:
    # tf.compat.v1's MethodNameUpdater sets method names, but not the shapes below, and leaves a stale fingerprint.
    path = version_dir / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    definitions = saved.meta_graphs[0].signature_def
    definitions["classify"].method_name = _CLASSIFY_METHOD
    for definition in definitions.values():
        for name in definition.inputs:
            shape = definition.inputs[name].tensor_shape
            shape.Clear()
            for side in _INPUT_SHAPES[name]:
                shape.dim.add().size = side
    path.write_bytes(saved.SerializeToString(deterministic=True))
    # It holds the checksum of the file as it was. It is optional, and nothing reads it but a log.
    (version_dir / "fingerprint.pb").unlink(missing_ok=True)
