"""One version of a model in memory: its signatures and the session that runs them.

A session, and not the functions of `tf.saved_model.load`, because TensorFlow Serving runs one: a version without its
variables loads, no shape is checked against the signature, and errors read the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from stand_in import errors

_TAG = "serve"
_INIT_SIGNATURE = "__saved_model_init_op"


class LoadedModel:
    """A SavedModel that answers until it is closed.

    Attributes:
      signatures: name -> SignatureDef, as the file has them, the initialisation's among them.
    """

    def __init__(self, folder: Path) -> None:
        """Loads a version folder.

        Raises:
          StatusError: there is no such model, or it can't be loaded.
        """
        meta_graph = _read_meta_graph(folder)
        self.signatures: Mapping[str, Any] = meta_graph.signature_def
        graph = tf.Graph()
        try:
            with graph.as_default():
                saver = tf.compat.v1.train.import_meta_graph(_without_input_shapes(meta_graph))
                self._session = tf.compat.v1.Session(graph=graph)
                # Without the index TensorFlow Serving goes on, and the requests fail.
                if saver and (folder / "variables" / "variables.index").is_file():
                    saver.restore(self._session, str(folder / "variables" / "variables"))
            self._initialise(meta_graph, folder)
        except tf.errors.OpError as error:
            raise errors.of_tensorflow(error) from error
        except ValueError as error:  # such as an operation that this TensorFlow does not know
            raise errors.invalid_argument(str(error)) from error

    def run(self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str]) -> list[np.ndarray]:
        """Computes tensors from tensors; safe to call from many threads.

        Args:
          feeds: tensor name in the graph -> value, of the tensor's dtype.
          fetches: tensor names in the graph.

        Raises:
          StatusError: from the graph.
        """
        try:
            return [np.asarray(value) for value in self._session.run(list(fetches), dict(feeds))]
        except tf.errors.OpError as error:
            raise errors.of_tensorflow(error) from error

    def close(self) -> None:
        """Frees its memory."""
        self._session.close()

    def _initialise(self, meta_graph: Any, folder: Path) -> None:
        if _INIT_SIGNATURE not in meta_graph.signature_def:
            return
        name = meta_graph.signature_def[_INIT_SIGNATURE].outputs[_INIT_SIGNATURE].name
        assets = {
            asset.tensor_info.name: str(folder / "assets" / asset.filename) for asset in meta_graph.asset_file_def
        }
        self._session.run(self._session.graph.as_graph_element(name), assets)


def _read_meta_graph(folder: Path) -> Any:
    path = folder / "saved_model.pb"
    try:
        saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except FileNotFoundError as error:
        text = f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {folder}"
        raise errors.not_found(text) from error
    except (DecodeError, OSError) as error:
        raise errors.StatusError(grpc.StatusCode.DATA_LOSS, f"Can't parse {path} as binary proto: {error}") from error
    for meta_graph in saved.meta_graphs:
        if set(meta_graph.meta_info_def.tags) == {_TAG}:
            return meta_graph
    raise errors.not_found(f"Could not find meta graph def matching supplied tags: {{ {_TAG} }}.")


def _without_input_shapes(meta_graph: Any) -> Any:
    """A copy whose inputs promise no shape: Python's session holds a request to it, TensorFlow Serving does not."""
    copy = meta_graph_pb2.MetaGraphDef()
    copy.CopyFrom(meta_graph)
    for node in copy.graph_def.node:
        if node.op == "Placeholder":
            node.attr["shape"].shape.Clear()
            node.attr["shape"].shape.unknown_rank = True
            node.attr.pop("_output_shapes", None)
    return copy
