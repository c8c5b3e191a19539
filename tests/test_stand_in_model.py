"""How the stand-in for TensorFlow Serving loads a version, warms it up and runs its signatures."""

from __future__ import annotations

import shutil
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import classification_pb2, predict_pb2, prediction_log_pb2

from stand_in import prediction, tensor_protos, warmup
from stand_in.errors import StatusError
from stand_in.loaded_model import LoadedModel


class Doubler(tf.Module):
    """Doubles a number and looks a word up in a file, which must come with the export."""

    def __init__(self, vocabulary: Path) -> None:
        super().__init__()
        self.factor = tf.Variable(2.0)
        initializer = tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.words = tf.lookup.StaticHashTable(initializer, -1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([None], tf.string)])
    def double(self, number: tf.Tensor, word: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"doubled": number * self.factor, "line": self.words.lookup(word)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"scores": tf.cast(tf.strings.length(inputs), tf.float32)}  # no matrix


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    folder = tmp_path_factory.mktemp("doubler")
    vocabulary = folder / "words.txt"
    vocabulary.write_text("one\ntwo\n", "utf-8")
    module = Doubler(vocabulary)
    signatures = {"serving_default": module.double, "classify": module.classify}
    tf.saved_model.save(module, str(folder / "1"), signatures=signatures)
    vocabulary.unlink()
    program = folder / "1" / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(program.read_bytes())
    saved.meta_graphs[0].signature_def["classify"].method_name = "tensorflow/serving/classify"
    program.write_bytes(saved.SerializeToString())
    return folder / "1"


@pytest.fixture
def model(export):
    loaded = LoadedModel(export)
    yield loaded
    loaded.close()


@pytest.fixture
def own_export(export, tmp_path):
    """A copy that a test may change."""
    return Path(shutil.copytree(export, tmp_path / "1"))


def inputs(**changed):
    values = {"number": np.array([1.5, -1], np.float32), "word": np.array([b"two", b"three"], object)}
    return {**values, **changed}


def refusal_of_loading(folder: Path) -> StatusError:
    with pytest.raises(StatusError) as caught:
        LoadedModel(folder)
    return caught.value


def make_log(signature: str):
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for name, value in inputs().items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))


def write_warmup(folder: Path, *logs) -> Path:
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as file:
        for log in logs:
            file.write(log.SerializeToString())
    return path


def test_variables_and_files_of_the_export_are_loaded(model):
    outputs = prediction.predict(model, "", inputs=inputs())

    assert outputs["doubled"].tolist() == [3.0, -2.0]
    assert outputs["line"].tolist() == [1, -1]


def test_without_its_variables_a_version_loads_and_refuses_to_predict(own_export):
    shutil.rmtree(own_export / "variables")
    model = LoadedModel(own_export)

    with pytest.raises(StatusError) as caught:
        prediction.predict(model, "", inputs=inputs())
    model.close()

    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION


def test_a_folder_without_a_program_is_not_loaded(tmp_path):
    error = refusal_of_loading(tmp_path)

    assert error.code is grpc.StatusCode.NOT_FOUND
    assert error.text == f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {tmp_path}"


def test_a_damaged_program_is_not_loaded(own_export):
    (own_export / "saved_model.pb").write_bytes(b"no program")

    assert refusal_of_loading(own_export).code is grpc.StatusCode.DATA_LOSS


def test_a_program_that_is_not_for_serving_is_not_loaded(own_export):
    path = own_export / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    saved.meta_graphs[0].meta_info_def.tags[:] = ["train"]
    path.write_bytes(saved.SerializeToString())

    assert "Could not find meta graph def matching supplied tags: { serve }" in refusal_of_loading(own_export).text


def test_an_unknown_operation_is_told(own_export):
    path = own_export / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    saved.meta_graphs[0].graph_def.node.add(name="odd", op="OddOperation")
    path.write_bytes(saved.SerializeToString())

    assert "OddOperation" in refusal_of_loading(own_export).text


def test_damaged_variables_are_told(own_export):
    (own_export / "variables" / "variables.index").write_bytes(b"no index")

    assert refusal_of_loading(own_export).code is grpc.StatusCode.DATA_LOSS


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"number": np.array([1], np.int32)}, "Expects arg[0] to be float but int32 is provided"),
        ({"word": np.array([1], np.float32)}, "Expects arg[1] to be string but float is provided"),
        (
            {"more": np.array([1])},
            "input size does not match signature: 3!=2 len({more,number,word}) != "
            "len({number,word}). Sent extra: {more}. Missing but required: {}.",
        ),
    ],
)
def test_other_inputs_than_the_signature_names_are_refused(model, changed, text):
    with pytest.raises(StatusError) as caught:
        prediction.predict(model, "", inputs=inputs(**changed))

    assert (caught.value.code, caught.value.text) == (grpc.StatusCode.INVALID_ARGUMENT, text)


def test_an_input_of_another_name_is_refused(model):
    with pytest.raises(StatusError) as caught:
        prediction.predict(model, "", inputs={"number": np.array([1.0], np.float32), "words": np.array([b""], object)})

    assert caught.value.text == (
        "input tensor alias not found in signature: words. Inputs expected to be in the set {number,word}."
    )


@pytest.mark.parametrize(
    ("output_filter", "text"),
    [
        (
            ["doubled", "x"],
            "output tensor alias not found in signature: x Outputs expected to be in the set {doubled,line}.",
        ),
        (["line", "line"], "duplicate output tensor alias: line"),
    ],
)
def test_an_output_filter_names_outputs_once(model, output_filter, text):
    with pytest.raises(StatusError) as caught:
        prediction.predict(model, "", inputs=inputs(), output_filter=output_filter)

    assert caught.value.text == text


@pytest.mark.parametrize(
    ("signature", "text"),
    [
        ("classify", "Expected Tensor shape: [batch_size num_classes] but got [1]"),
        ("no", "No signature was found with the name: no"),
        ("", "Expected one input Tensor."),
    ],
)
def test_classify_refuses_a_signature_that_does_not_classify(model, signature, text):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.signature_name = signature
    request.input.example_list.examples.add()

    with pytest.raises(StatusError) as caught:
        prediction.classify(model, request)

    assert caught.value.text == text


def test_warm_up_asks_every_request(export, model, monkeypatch, own_export):
    asked = []

    def run(feeds, fetches):
        asked.append(sorted(feeds))
        return [None] * len(fetches)

    monkeypatch.setattr(model, "run", run)

    warmup.play_back(model, write_warmup(own_export, make_log("serving_default"), make_log("")))

    assert asked == [["serving_default_number:0", "serving_default_word:0"]] * 2


def test_a_version_without_warm_up_requests_is_loaded(own_export):
    warmup.load_warm(own_export).close()


def test_a_warm_up_request_for_a_missing_signature_refuses_the_version(own_export):
    write_warmup(own_export, make_log("serving_default"), make_log("gone"))

    with pytest.raises(StatusError, match='Serving signature key "gone" not found'):
        warmup.load_warm(own_export)


def test_a_cut_warm_up_file_refuses_the_version(own_export):
    path = write_warmup(own_export, make_log(""), make_log(""))
    path.write_bytes(path.read_bytes()[:-5])

    with pytest.raises(StatusError, match="Please verify your warmup data is in TFRecord format") as caught:
        warmup.load_warm(own_export)

    assert caught.value.code is grpc.StatusCode.DATA_LOSS


def test_a_record_that_is_no_request_refuses_the_version(own_export):
    path = write_warmup(own_export)
    with tf.io.TFRecordWriter(str(path)) as file:
        file.write(b"no message")

    with pytest.raises(StatusError, match="Failed to parse warmup record"):
        warmup.load_warm(own_export)


@pytest.mark.parametrize(
    "value",
    [
        np.array([[1.5, 2]], np.float32),
        np.array([1, 255], np.uint8),
        np.array([-(2**40)], np.int64),
        np.array([True, False]),
        np.array([b"a", b"\xff"], object),
        np.array([1.5], np.float16),
    ],
)
def test_tensors_survive_the_way_through_a_message(value):
    proto = tensor_protos.to_proto(value)

    np.testing.assert_array_equal(tf.make_ndarray(proto), value)
    np.testing.assert_array_equal(tensor_protos.from_proto("x", proto), value)


def test_floats_are_written_value_by_value_as_the_server_does():
    assert list(tensor_protos.to_proto(np.array([[1.5], [2]], np.float32)).float_val) == [1.5, 2.0]


def test_a_message_whose_values_do_not_fit_its_shape_is_refused():
    proto = tf.make_tensor_proto([1.5, 2.5])
    proto.tensor_shape.dim[0].size = 3

    with pytest.raises(StatusError, match="tensor parsing error: x"):
        tensor_protos.from_proto("x", proto)
