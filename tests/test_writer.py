"""Tests of keras_transfer.saved_model.writer."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from keras_transfer.errors import UserError
from keras_transfer.saved_model import version_folder, writer
from keras_transfer.saved_model.signatures import ExportSpec
from small_export import CLASS_NAMES, METADATA, make_export_spec


@pytest.fixture(scope="module")
def spec() -> ExportSpec:
    return make_export_spec()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, spec) -> Path:
    """Of a served model with version 3."""
    folder = tmp_path_factory.mktemp("exports") / "cars"
    with writer.staging(spec, folder=folder, version=3) as staged:
        assert list(folder.glob("3*")) == []
        writer.write_metadata(staged, METADATA)
    return folder


@pytest.fixture(scope="module")
def signature_defs(folder) -> dict[str, meta_graph_pb2.SignatureDef]:
    saved = saved_model_pb2.SavedModel.FromString((folder / "3" / "saved_model.pb").read_bytes())
    return dict(saved.meta_graphs[0].signature_def)


def test_a_version_appears_with_all_that_a_server_and_a_person_read(folder):
    assert [path.name for path in folder.iterdir()] == ["3"]
    files = {path.relative_to(folder / "3").as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
        "assets.extra/labels.txt",
        "assets.extra/metadata.json",
        "assets.extra/MODEL_CARD.md",
        "assets.extra/SHA256SUMS",
        "assets.extra/tf_serving_warmup_requests",
    }


def test_class_names_stand_one_a_line_in_order(folder):
    assert (folder / "3" / version_folder.LABELS_FILE).read_text("utf-8").splitlines() == list(CLASS_NAMES)


def test_metadata_is_kept_as_json(folder):
    assert json.loads((folder / "3" / version_folder.METADATA_FILE).read_text("utf-8")) == METADATA


def test_the_digests_cover_all_that_the_block_wrote(folder):
    subprocess.run(["sha256sum", "--check", "--strict", "assets.extra/SHA256SUMS"], cwd=folder / "3", check=True)
    listed = (folder / "3" / "assets.extra" / "SHA256SUMS").read_text("utf-8").splitlines()
    files = {path.relative_to(folder / "3").as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {line.split("  ")[1] for line in listed} == files - {"assets.extra/SHA256SUMS"}


@pytest.mark.parametrize(
    ("signature", "method"),
    [
        ("serving_default", "tensorflow/serving/predict"),
        ("image_tensor", "tensorflow/serving/predict"),
        ("classify", "tensorflow/serving/classify"),
        ("embed", "tensorflow/serving/predict"),
    ],
)
def test_each_signature_names_the_call_that_it_answers(signature_defs, signature, method):
    assert signature_defs[signature].method_name == method


@pytest.mark.parametrize(
    ("signature", "name", "dtype", "shape"),
    [
        ("serving_default", "image_bytes", tf.string, (None,)),
        ("image_tensor", "images", tf.uint8, (None, None, None, 3)),
        ("classify", "inputs", tf.string, (None,)),
        ("embed", "image_bytes", tf.string, (None,)),
    ],
)
def test_each_signature_tells_the_one_input_that_it_takes(signature_defs, signature, name, dtype, shape):
    (given,) = signature_defs[signature].inputs.items()
    assert given[0] == name
    assert tf.dtypes.as_dtype(given[1].dtype) == dtype
    assert tf.TensorShape(given[1].tensor_shape).as_list() == list(shape)


def test_a_graph_session_as_in_a_server_answers_a_patched_signature(folder, signature_defs):
    """Servers run the graph by the names of the signature's tensors, not by Python functions."""
    definition = signature_defs["image_tensor"]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.compat.v1.saved_model.load(session, ["serve"], str(folder / "3"))
        fetch, feed = definition.outputs["probabilities"].name, definition.inputs["images"].name
        assert session.run(fetch, {feed: [[[[1, 2, 3]]]]}).shape == (1, 3)
        with pytest.raises(tf.errors.InvalidArgumentError, match="images must have the shape"):
            session.run(fetch, {feed: [[[1, 2, 3]]]})


def test_a_version_that_exists_is_refused_with_the_next_free_number(folder, spec):
    (folder / "12").mkdir()
    with pytest.raises(UserError, match="--export_version=13"), writer.staging(spec, folder=folder, version=12):
        pass
    (folder / "12").rmdir()


def test_a_check_that_raises_leaves_nothing(tmp_path, spec):
    with pytest.raises(RuntimeError, match="refused"), writer.staging(spec, folder=tmp_path / "cars", version=1):
        raise RuntimeError("refused")
    assert list((tmp_path / "cars").iterdir()) == []


def test_only_numbered_folders_are_versions(tmp_path):
    for name in ("10", "9", ".11-half", "notes", "1a"):
        (tmp_path / name).mkdir()
    assert writer.published_versions(tmp_path) == [9, 10]


def test_a_folder_that_does_not_exist_has_no_versions(tmp_path):
    assert writer.published_versions(tmp_path / "missing") == []
