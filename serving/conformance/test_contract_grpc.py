"""The contract's codes and texts over gRPC."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

import known_model
from contract_requests import (
    MISSING_VERSION,
    TIMEOUT_SECONDS,
    best_probability,
    classify_request,
    other_probability,
    predict_request,
    refusal,
    values,
)

_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_LONGEST_TEXT = 1024
_CUT_MARK = "...TRUNCATED"
_RED = known_model.png(known_model.RED)
_DEFAULT_LIMIT_BYTES = 4 * 2**20


def _metadata_request(*fields: str, model: str = known_model.MODEL) -> Any:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = model
    return request


def _status_request(model: str) -> Any:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = model
    return request


def test_predict_answers_every_output_and_who_gave_it(predictions):
    answer = predictions.Predict(predict_request(image_bytes=[_RED]), timeout=TIMEOUT_SECONDS)

    expected = [[other_probability(), other_probability(), best_probability()]]
    np.testing.assert_allclose(values(answer.outputs["probabilities"]), expected, rtol=1e-5)
    assert set(answer.outputs) == {"label", "score", "top_labels", "top_scores", "probabilities"}
    assert values(answer.outputs["label"]).tolist() == [b"RED"]
    assert (answer.model_spec.name, answer.model_spec.version.value) == (known_model.MODEL, known_model.NEWEST_VERSION)
    assert answer.model_spec.signature_name == "serving_default"


def test_predict_takes_pixels(predictions):
    pixels = np.full((2, 5, 7, 3), known_model.GREEN, np.uint8)

    answer = predictions.Predict(predict_request("image_tensor", images=pixels), timeout=TIMEOUT_SECONDS)

    assert values(answer.outputs["label"]).tolist() == [b"GREEN", b"GREEN"]


def test_a_label_or_a_number_chooses_the_version(predictions):
    by_label, by_number = predict_request(image_bytes=[_RED]), predict_request(image_bytes=[_RED])
    by_label.model_spec.version_label = "stable"
    by_number.model_spec.version.value = 1

    for request in (by_label, by_number):
        answer = predictions.Predict(request, timeout=TIMEOUT_SECONDS)
        assert values(answer.outputs["label"]).tolist() == [b"red"]
        assert answer.model_spec.version.value == 1


def test_an_output_filter_limits_the_answer(predictions):
    request = predict_request(image_bytes=[_RED])
    request.output_filter.append("score")

    assert set(predictions.Predict(request, timeout=TIMEOUT_SECONDS).outputs) == {"score"}


def test_classify_answers_labels_and_scores(predictions):
    answer = predictions.Classify(classify_request(_RED), timeout=TIMEOUT_SECONDS)

    (row,) = answer.result.classifications
    assert [item.label for item in row.classes] == ["RED", "BLUE", "GREEN"]
    expected = [best_probability(), other_probability(), other_probability()]
    np.testing.assert_allclose([item.score for item in row.classes], expected, rtol=1e-5)


def test_regress_answers_values(predictions):
    request = regression_pb2.RegressionRequest()
    request.input.CopyFrom(classify_request(_RED, known_model.png(known_model.BLUE)).input)
    request.model_spec.name, request.model_spec.signature_name = known_model.MODEL, "regress"

    answer = predictions.Regress(request, timeout=TIMEOUT_SECONDS)

    assert [item.value for item in answer.result.regressions] == [1.0, 0.0]


def test_status_tells_the_versions_that_are_available(models):
    answer = models.GetModelStatus(_status_request(known_model.MODEL), timeout=TIMEOUT_SECONDS)

    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert {state.version for state in answer.model_version_status if state.state == available} == {1, 2}


def test_an_unknown_model_is_not_found(predictions):
    assert refusal(predictions.Predict, predict_request(model="nope", image_bytes=[_RED])) == (
        grpc.StatusCode.NOT_FOUND,
        "Servable not found for request: Latest(nope)",
    )


def test_an_unknown_version_is_not_found(predictions):
    request = predict_request(image_bytes=[_RED])
    request.model_spec.version.value = MISSING_VERSION

    assert refusal(predictions.Predict, request) == (
        grpc.StatusCode.NOT_FOUND,
        f"Servable not found for request: Specific({known_model.MODEL}, {MISSING_VERSION})",
    )


def test_the_status_and_the_metadata_of_an_unknown_model_are_not_found(models, predictions):
    status = refusal(models.GetModelStatus, _status_request("nope"))
    metadata = refusal(predictions.GetModelMetadata, _metadata_request("signature_def", model="nope"))

    assert status == (grpc.StatusCode.NOT_FOUND, "Could not find any versions of model nope")
    assert metadata == (grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(nope)")


def test_an_unknown_label_is_refused(predictions):
    request = predict_request(image_bytes=[_RED])
    request.model_spec.version_label = "unknown"

    assert refusal(predictions.Predict, request) == (_INVALID, "Unrecognized servable version label: unknown")


def test_a_request_without_a_model_name_is_refused(predictions):
    assert refusal(predictions.Predict, predict_request("serving_default", model="", image_bytes=[_RED])) == (
        _INVALID,
        "ModelSpec has no name specified.",
    )


def test_a_tensor_of_another_type_is_refused(predictions):
    request = predict_request("image_tensor", images=np.zeros((1, 2, 2, 3), np.float32))

    code, text = refusal(predictions.Predict, request)

    assert code is _INVALID
    assert "Expects arg[0] to be uint8 but float is provided" in text


@pytest.mark.parametrize(
    ("inputs", "counts"), [({}, "0!=1"), ({"image_bytes": [_RED], "other": [_RED]}, "2!=1")], ids=["missing", "extra"]
)
def test_another_number_of_inputs_is_refused(predictions, inputs, counts):
    code, text = refusal(predictions.Predict, predict_request("serving_default", **inputs))

    assert code is _INVALID
    assert text.startswith(f"input size does not match signature: {counts}")


def test_an_input_of_another_name_is_refused(predictions):
    code, _ = refusal(predictions.Predict, predict_request("serving_default", foo=[_RED]))

    assert code is _INVALID


def test_an_unknown_output_is_refused(predictions):
    request = predict_request(image_bytes=[_RED])
    request.output_filter.append("nope")

    code, text = refusal(predictions.Predict, request)

    assert code is _INVALID
    assert "nope" in text


def test_metadata_other_than_the_signatures_is_refused(predictions):
    assert refusal(predictions.GetModelMetadata, _metadata_request("x")) == (
        _INVALID,
        "Metadata field x is not supported",
    )


def test_metadata_needs_a_field(predictions):
    code, _ = refusal(predictions.GetModelMetadata, _metadata_request())

    assert code is _INVALID


def test_metadata_lists_the_signatures_and_the_initialisation(predictions):
    answer = predictions.GetModelMetadata(_metadata_request("signature_def"), timeout=TIMEOUT_SECONDS)

    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "image_tensor", "classify", "__saved_model_init_op"} <= set(signatures.signature_def)
    assert set(signatures.signature_def["serving_default"].inputs) == {"image_bytes"}


@pytest.mark.parametrize(
    "request_", [classify_request(), classification_pb2.ClassificationRequest()], ids=["signature", "default"]
)
def test_an_empty_classify_request_is_refused(predictions, request_):
    request_.model_spec.name, request_.model_spec.signature_name = known_model.MODEL, "classify"

    assert refusal(predictions.Classify, request_) == (_INVALID, "Input is empty.")


def test_classify_refuses_a_signature_of_another_method_by_its_outputs(predictions):
    assert refusal(predictions.Classify, classify_request(_RED, signature="serving_default")) == (
        _INVALID,
        "Expected one or two output Tensors, found 5",
    )


def test_an_unknown_signature_is_a_failed_precondition(predictions):
    assert refusal(predictions.Predict, predict_request("n", image_bytes=[_RED])) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        'Serving signature key "n" not found.',
    )


def test_bytes_that_are_no_image_are_refused(predictions):
    code, text = refusal(predictions.Predict, predict_request(image_bytes=[b"no image"]))

    assert code is _INVALID
    assert text.startswith("Unknown image file format.")


def test_a_long_message_is_cut(predictions):
    name = "n" * 2000

    _, text = refusal(predictions.Predict, predict_request(name, image_bytes=[_RED]))

    assert text[:_LONGEST_TEXT] == f'Serving signature key "{name}" not found.'[:_LONGEST_TEXT]
    assert len(text) <= _LONGEST_TEXT + len(_CUT_MARK)


def test_an_answer_over_four_megabytes_needs_a_higher_limit_in_the_client(grpc_address, predictions):
    count = _DEFAULT_LIMIT_BYTES // (4 * known_model.EMBEDDING_SIZE) + 1
    request = predict_request("embed", image_bytes=[_RED] * count)

    with grpc.insecure_channel(grpc_address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        code, _ = refusal(stub.Predict, request)
    answer = predictions.Predict(request, timeout=TIMEOUT_SECONDS)

    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert values(answer.outputs["embedding"]).shape == (count, known_model.EMBEDDING_SIZE)
