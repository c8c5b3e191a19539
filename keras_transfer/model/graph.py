"""Reading a Keras graph: its operations, the places where one tensor carries everything, its innermost layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import keras


def sole_crossings(operations: Sequence[Any]) -> tuple[str, ...]:
    """Names of the operations whose output is the only tensor that those after them depend on.

    Walks the operations in topological order and keeps the set of tensors that are still awaited. Where the set holds
    nothing but the output just computed, every path from input to output goes through it.

    Args:
      operations: of a functional model whose layers are each called once, in topological order, from the input up to
        one that everything leads to.

    Returns:
      Names from the input towards the output, both included.
    """
    awaited = Counter(id(tensor) for operation in operations for tensor in input_tensors(operation))
    awaited.update(id(tensor) for tensor in keras.tree.flatten(operations[-1].output))
    live: set[int] = set()
    crossings = []
    for operation in operations:
        for tensor in input_tensors(operation):
            awaited[id(tensor)] -= 1
            if not awaited[id(tensor)]:
                live.discard(id(tensor))
        outputs = {id(tensor) for tensor in keras.tree.flatten(operation.output)}
        live |= outputs
        if live == outputs and len(outputs) == 1:
            crossings.append(operation.name)
    return tuple(crossings)


def input_tensors(operation: Any) -> list[Any]:
    """The symbolic tensors that an operation was called with; none for an input layer."""
    return [] if isinstance(operation, keras.layers.InputLayer) else list(keras.tree.flatten(operation.input))


def producer(tensor: Any) -> Any:
    """The operation that a symbolic tensor is the output of."""
    return tensor._keras_history.operation  # Keras has no public way to ask


def find(model: keras.Model, name: str) -> Any:
    """The operation of that name; `Model.get_layer` finds layers only.

    Raises:
      KeyError: there is none.
    """
    for operation in model.operations:
        if operation.name == name:
            return operation
    raise KeyError(name)


def innermost_layers(model: keras.Model) -> Iterator[keras.Layer]:
    """The layers in topological order, those of a `keras.Sequential` (ConvNeXt has some) instead of the sequence."""
    for layer in model.layers:
        if isinstance(layer, keras.Sequential):
            yield from innermost_layers(layer)
        else:
            yield layer


def kernels(layer: keras.Layer) -> list[Any]:
    """The variables that a layer multiplies its input by: of dense, convolution, depthwise and separable layers."""
    return [weight for weight in layer.weights if weight.name.endswith("kernel")]
