"""What Predict, Classify and Regress do once the model is found, whichever protocol asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import classification_pb2, regression_pb2

from stand_in import errors, tensor_protos

DEFAULT_SIGNATURE = "serving_default"
_MATRIX_RANK = 2


class Model(Protocol):
    """What is asked of a loaded model."""

    signatures: Mapping[str, Any]

    def run(self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str]) -> list[np.ndarray]:
        """Computes tensors from tensors."""


def predict(
    model: Model, signature_name: str, *, inputs: Mapping[str, np.ndarray], output_filter: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Runs a signature.

    Args:
      model: that has it.
      signature_name: "" for the default.
      inputs: name in the signature -> value.
      output_filter: names of the outputs to compute; all if empty.

    Returns:
      Output name -> value.

    Raises:
      StatusError: no such signature, input or output; another dtype; from the graph.
    """
    name = signature_name or DEFAULT_SIGNATURE
    if name not in model.signatures:
        raise errors.failed_precondition(f'Serving signature key "{name}" not found.')
    signature = model.signatures[name]
    _check_input_names(set(inputs), set(signature.inputs))
    _check_output_filter(output_filter, set(signature.outputs))
    outputs = list(output_filter) or list(signature.outputs)
    feeds = {signature.inputs[each].name: (signature.inputs[each].dtype, value) for each, value in inputs.items()}
    _check_types(feeds)
    values = model.run(
        {tensor: value for tensor, (_, value) in feeds.items()}, [signature.outputs[each].name for each in outputs]
    )
    return dict(zip(outputs, values, strict=True))


def classify(model: Model, request: Any) -> Any:
    """Runs a signature of the method classify on the request's examples.

    Args:
      model: that has it.
      request: a ClassificationRequest.

    Returns:
      A ClassificationResult.

    Raises:
      StatusError: no such signature, or of other tensors; no examples; from the graph.
    """
    signature = _signature_of_one_input(model, request.model_spec.signature_name)
    if len(signature.outputs) not in (1, 2):
        raise errors.invalid_argument(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if "inputs" not in signature.inputs:
        raise errors.invalid_argument("No classification inputs found in SignatureDef")
    wanted = [name for name in ("classes", "scores") if name in signature.outputs]
    if not wanted:
        raise errors.invalid_argument(
            'Expected classification signature outputs to contain at least one of "classes" or "scores".'
        )
    examples = _serialized_examples(request.input)
    values = model.run({signature.inputs["inputs"].name: examples}, [signature.outputs[name].name for name in wanted])
    outputs = dict(zip(wanted, values, strict=True))
    for name, value in outputs.items():
        _check_matrix(name, value, len(examples))
    return _classification_result(outputs, len(examples))


def regress(model: Model, request: Any) -> Any:
    """Runs a signature of the method regress on the request's examples.

    Args:
      model: that has it.
      request: a RegressionRequest.

    Returns:
      A RegressionResult.

    Raises:
      StatusError: no such signature, or of other tensors; no examples; from the graph.
    """
    signature = _signature_of_one_input(model, request.model_spec.signature_name)
    if len(signature.outputs) != 1:
        raise errors.invalid_argument("Expected one output Tensor.")
    for kind in ("inputs", "outputs"):
        if kind not in getattr(signature, kind):
            raise errors.invalid_argument(f"No regression {kind} found in SignatureDef")
    examples = _serialized_examples(request.input)
    (values,) = model.run({signature.inputs["inputs"].name: examples}, [signature.outputs["outputs"].name])
    if values.size != len(examples):
        raise errors.invalid_argument(f"Expected output batch size to be {len(examples)}.  Got: {values.size}")
    result = regression_pb2.RegressionResult()
    for value in values.ravel().tolist():
        result.regressions.add(value=value)
    return result


def _check_input_names(sent: set[str], required: set[str]) -> None:
    if len(sent) != len(required):
        raise errors.invalid_argument(
            f"input size does not match signature: {len(sent)}!={len(required)} len({_braced(sent)}) != "
            f"len({_braced(required)}). Sent extra: {_braced(sent - required)}. "
            f"Missing but required: {_braced(required - sent)}."
        )
    for name in sorted(sent - required):
        raise errors.invalid_argument(
            f"input tensor alias not found in signature: {name}. Inputs expected to be in the set {_braced(required)}."
        )


def _check_output_filter(output_filter: Sequence[str], outputs: set[str]) -> None:
    seen: set[str] = set()
    for name in output_filter:
        if name not in outputs:
            raise errors.invalid_argument(
                f"output tensor alias not found in signature: {name} Outputs expected to be in the set "
                f"{_braced(outputs)}."
            )
        if name in seen:
            raise errors.invalid_argument(f"duplicate output tensor alias: {name}")
        seen.add(name)


def _check_types(feeds: Mapping[str, tuple[int, np.ndarray]]) -> None:
    """Refuses what Python's session would convert in silence. Arguments are numbered in the order of their tensors."""
    for index, (_, (expected, value)) in enumerate(sorted(feeds.items())):
        provided = tensor_protos.type_of(value)
        if provided != expected:
            raise errors.invalid_argument(
                f"Expects arg[{index}] to be {tensor_protos.type_name(expected)} but "
                f"{tensor_protos.type_name(provided)} is provided"
            )


def _signature_of_one_input(model: Model, signature_name: str) -> Any:
    """By its tensors alone: the server does not look at the method that a signature names, unless a flag says so."""
    name = signature_name or DEFAULT_SIGNATURE
    if name not in model.signatures:
        raise errors.invalid_argument(f"No signature was found with the name: {name}")
    signature = model.signatures[name]
    if len(signature.inputs) != 1:
        raise errors.invalid_argument("Expected one input Tensor.")
    return signature


def _serialized_examples(given: Any) -> np.ndarray:
    kind = given.WhichOneof("kind")
    examples = getattr(given, kind).examples if kind else []
    if not examples:
        raise errors.invalid_argument("Input is empty.")
    # Serialized messages one after the other are one message with the fields of both.
    context = given.example_list_with_context.context.SerializeToString()
    return np.array([context + example.SerializeToString() for example in examples], dtype=object)


def _check_matrix(name: str, value: np.ndarray, count: int) -> None:
    if value.ndim != _MATRIX_RANK:
        shape = ",".join(map(str, value.shape))
        raise errors.invalid_argument(f"Expected Tensor shape: [batch_size num_classes] but got [{shape}]")
    expected = types_pb2.DT_STRING if name == "classes" else types_pb2.DT_FLOAT
    if tensor_protos.type_of(value) != expected:
        raise errors.invalid_argument(
            f"Expected {name} Tensor of {types_pb2.DataType.Name(expected)}. "
            f"Got: {types_pb2.DataType.Name(tensor_protos.type_of(value))}"
        )
    if len(value) != count:
        raise errors.invalid_argument(f"Expected {name} output batch size of {count}. Got: {len(value)}")


def _classification_result(outputs: Mapping[str, np.ndarray], count: int) -> Any:
    result = classification_pb2.ClassificationResult()
    for row in range(count):
        columns = [outputs[name][row].tolist() if name in outputs else None for name in ("classes", "scores")]
        classes = result.classifications.add().classes
        for column in range(len(next(values for values in columns if values is not None))):
            label, score = (None if values is None else values[column] for values in columns)
            classes.add(label=label, score=score)
    return result


def _braced(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
