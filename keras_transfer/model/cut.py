"""Cuts: the layers where a classifier can be taken apart, the parts below and above, their cost and their identity."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_transfer.errors import UserError
from keras_transfer.model import graph
from keras_transfer.model.classifier import LOGITS_LAYER, POOLING_LAYER, TAPS_LAYER, Classifier
from keras_transfer.settings.config import nearest

# Settings that say how a layer is called, kept or trained, but not what it computes.
_SETTINGS_WITHOUT_EFFECT = frozenset(
    {"name", "trainable", "dtype", "registered_name", "shared_object_id", "build_config"}
)


def valid_cuts(model: keras.Model) -> tuple[str, ...]:
    """The layers whose output is all that the base above them depends on.

    Args:
      model: a classifier.

    Returns:
      Names from the input up to the features that the head stands on: their pooling where there is one. A head may
      stand on layers below a cut too, see `taps_below`.
    """
    names = [operation.name for operation in model.operations]
    base = [operation for operation in model.operations if not operation.name.startswith("head_")]
    end = [operation.name for operation in base].index(LOGITS_LAYER)
    crossings = graph.sole_crossings(base[:end])
    return (*crossings, *(name for name in (POOLING_LAYER, TAPS_LAYER) if name in names))


def taps_below(model: keras.Model, cut: str) -> tuple[str, ...]:
    """The pooled features of layers below a cut: what lies above it depends on them too.

    Args:
      model: a classifier.
      cut: a valid one.

    Returns:
      Names of the layers that pool them, in the order of the features; none for a head on one layer.
    """
    names = [operation.name for operation in model.operations]
    if TAPS_LAYER not in names or cut == TAPS_LAYER:
        return ()
    pooled = [graph.producer(tensor) for tensor in graph.input_tensors(graph.find(model, TAPS_LAYER))]
    return tuple(each.name for each in pooled if names.index(_pooled_layer(each)) < names.index(cut))


def _pooled_layer(operation: Any) -> str:
    """The layer of the base that a tap pools; a vector is not pooled."""
    is_pooling = operation.name.startswith("head_")
    return str(graph.producer(graph.input_tensors(operation)[0]).name if is_pooling else operation.name)


def check(model: keras.Model, name: str) -> None:
    """Refuses a name that is no valid cut.

    Raises:
      UserError: with what is wrong and the valid cuts.
    """
    known = valid_cuts(model)
    if name in known:
        return
    names = [operation.name for operation in model.operations]
    if name not in names:
        reason = f"there is no such layer.{nearest(name, names)}"
    elif names.index(name) > names.index(known[-1]):
        reason = "it is a layer of the head, which is trained in every phase."
    else:
        reason = "it lies inside a residual block or beside another branch, whose activations would be lost."
    raise UserError(f"The network cannot be cut at {name!r}: {reason} It can be cut at: {', '.join(known)}")


def block_cut(classifier: Classifier, unfreeze_blocks: int) -> str:
    """The cut below the highest blocks of the base: the last valid one before the lowest of them begins.

    With all blocks, the stem goes with the lowest: the cut is then at the preprocessed image.

    Args:
      classifier: whose base is cut.
      unfreeze_blocks: at least 1.

    Raises:
      UserError: more blocks than there are, or none at all below the head.
    """
    names = [operation.name for operation in classifier.model.operations]
    starts = _block_starts(classifier, names)
    if not starts:
        raise UserError(
            f"--unfreeze_blocks={unfreeze_blocks}: there is no block to unfreeze, because the head stands on "
            f"{classifier.base_output}, below the first block of {classifier.backbone.name}. Choose a higher "
            "--feature_layers, or leave out fine-tuning with --fine_tune_epochs=0."
        )
    if not 1 <= unfreeze_blocks <= len(starts):
        raise UserError(
            f"--unfreeze_blocks must be between 1 and {len(starts)}, the number of blocks of "
            f"{classifier.backbone.name} up to {classifier.base_output}. Received: {unfreeze_blocks}"
        )
    if unfreeze_blocks == len(starts):
        return _preprocessed_image(classifier.model)
    start = starts[-unfreeze_blocks]
    return [name for name in valid_cuts(classifier.model) if names.index(name) < start][-1]


def _block_starts(classifier: Classifier, names: Sequence[str]) -> list[int]:
    """Place of each block's first layer among the model's operations, the lowest block first."""
    firsts: dict[str, int] = {}
    for index, name in enumerate(names):
        match = classifier.backbone.block_pattern.search(name)
        if match:
            firsts.setdefault(match.group(1), index)
    return sorted(firsts.values())


def _preprocessed_image(model: keras.Model) -> str:
    """The last layer of those that only shift, scale and reorder pixels."""
    name: str = model.operations[0].name
    for operation in model.operations:
        is_learned = isinstance(operation, keras.Layer) and not isinstance(
            operation, (keras.layers.InputLayer, keras.layers.Rescaling, keras.layers.Normalization)
        )
        if is_learned:
            return name
        name = operation.name
    return name


def frozen_part(model: keras.Model, cuts: Sequence[str]) -> keras.Model:
    """What lies below the cuts; shares the model's layers and variables.

    Args:
      model: a classifier.
      cuts: valid ones, and of `taps_below`.

    Returns:
      A model from images to the cuts' outputs: one tensor for one cut, else a list in their order.

    Raises:
      UserError: see `check`.
    """
    taps = taps_below(model, LOGITS_LAYER)
    for name in cuts:
        if name not in taps:
            check(model, name)
    outputs = [graph.find(model, name).output for name in cuts]
    return keras.Model(model.inputs[0], outputs[0] if len(outputs) == 1 else outputs, name="frozen_part")


def trainable_part(model: keras.Model, cut: str) -> keras.Model:
    """What lies above a cut, up to the logits; shares the model's layers and variables.

    Returns:
      A model from the cut's output, float32, shape (batch, *record_shape), to logits, float32, shape (batch, classes).
      Where the head stands on layers below the cut too, its inputs are a list: the cut's output, and their pooled
      features in the order of `taps_below`.

    Raises:
      UserError: see `check`.
    """
    check(model, cut)
    inputs = [graph.find(model, name).output for name in (cut, *taps_below(model, cut))]
    return keras.Model(inputs[0] if len(inputs) == 1 else inputs, _logits(model), name="trainable_part")


def whole_to_logits(model: keras.Model) -> keras.Model:
    """The model up to its logits; shares its layers and variables."""
    return keras.Model(model.inputs[0], _logits(model), name="whole_to_logits")


def _logits(model: keras.Model) -> Any:
    return graph.find(model, LOGITS_LAYER).output


def set_trainable(classifier: Classifier, cut: str) -> None:
    """Trains the layers above a cut and freezes those below it.

    Batch normalization of the base stays frozen above the cut too, and so in inference mode: a small data set's
    statistics of a batch would replace those of ImageNet, on which the weights around them depend
    (https://keras.io/guides/transfer_learning, "Important notes about BatchNormalization layer").

    Raises:
      UserError: see `check`.
    """
    check(classifier.model, cut)
    is_above = False
    for operation in classifier.model.operations:
        if isinstance(operation, keras.Layer):
            operation.trainable = is_above and not isinstance(operation, keras.layers.BatchNormalization)
        is_above = is_above or operation.name == cut


def record_shape(model: keras.Model, cut: str) -> tuple[int, ...]:
    """Shape of one activation at a cut, without the batch.

    Raises:
      UserError: see `check`.
    """
    check(model, cut)
    return tuple(graph.find(model, cut).output.shape[1:])


def multiply_accumulates(part: keras.Model) -> int:
    """Multiplications of one image's forward pass in convolutions and dense layers, which are nearly all of it.

    A kernel is applied once at each position of the layer's output.
    """
    total = 0
    for layer in graph.innermost_layers(part):
        size = sum(math.prod(kernel.shape) for kernel in graph.kernels(layer))
        total += size * math.prod(layer.output.shape[1:-1])
    return total


def checksum(weights: Sequence[Any]) -> str:
    """SHA-256 over weights in order: kind, shape, type and bytes of each. The same in every process.

    A weight's kind is its own name, such as kernel. Its layer's name is left out, and so is the number that Keras gives
    to a weight without a name (ConvNeXt has some): both may depend on what was built before in the process.
    """
    digest = hashlib.sha256()
    for weight in weights:
        value = np.ascontiguousarray(weight.numpy())
        kind = re.sub(r"_\d+$", "", weight.name)
        digest.update(f"{kind} {value.dtype.str} {value.shape}\n".encode())
        digest.update(value.data)
    return digest.hexdigest()


def fingerprint(part: keras.Model) -> str:
    """SHA-256 of all that a part computes: its operations, their settings and wiring, and its weights.

    The weights alone are not enough: average and maximum pooling have none, and the same layers stand below them.
    """
    places = {id(operation): place for place, operation in enumerate(part.operations)}
    rows = [
        [
            type(operation).__name__,
            _settings(operation.get_config()),
            [places[id(graph.producer(tensor))] for tensor in graph.input_tensors(operation)],
        ]
        for operation in part.operations
    ]
    graph_text = json.dumps(rows, sort_keys=True)
    return hashlib.sha256(f"{graph_text}\n{checksum(part.weights)}".encode()).hexdigest()


def _settings(value: Any) -> Any:
    """A layer's settings without what changes nothing of its result."""
    if isinstance(value, dict):
        return {key: _settings(item) for key, item in value.items() if key not in _SETTINGS_WITHOUT_EFFECT}
    if isinstance(value, (list, tuple)):
        return [_settings(item) for item in value]
    return value
