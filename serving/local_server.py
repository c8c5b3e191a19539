"""A stand-in for TensorFlow Serving, for laptops and tests where there is no docker. It is not for production.

python serving/local_server.py --model_name=vehicles --model_base_path=runs/x/export/vehicles

It loads a model's numbered versions with TensorFlow and answers as TensorFlow Serving does, over REST and gRPC, with
its flags and its errors; where it does not, conformance/README.md has a table. It batches nothing, limits nothing,
checks no certificate and was built for no load.
Exit code: 0 stopped by Ctrl-C or SIGTERM, 1 a model can't be served, 2 wrong use.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import model_config
from arguments import RefusalError
from stand_in import command_line

if TYPE_CHECKING:
    from stand_in.model_store import ModelStore


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Returns:
      The exit code.
    """
    parsed = command_line.parse(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # which else writes a line for each request
    from stand_in import errors

    try:
        _serve(parsed)
    except (RefusalError, errors.StatusError) as error:
        print(f"Failed to start server. Error: {error}", file=sys.stderr)
        return 1
    return 0


def _serve(parsed: argparse.Namespace) -> None:
    """Serves until Ctrl-C or SIGTERM."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    # These import TensorFlow, which takes seconds; neither --help nor a wrong flag should.
    from stand_in import listeners, metrics, model_store, rest, warmup

    store = model_store.ModelStore(
        warmup.load_warm, allow_labels_for_unavailable=parsed.allow_version_labels_for_unavailable_models
    )
    with contextlib.ExitStack() as stack:
        stack.callback(store.close)
        store.configure(_read_config(parsed))
        store.poll()
        store.check_all_available()
        counts, host = metrics.RequestCounts(), parsed.host
        application = rest.RestApplication(store, counts, metrics_path=parsed.metrics_path)
        rest_port = stack.enter_context(listeners.over_rest(application, host=host, port=parsed.rest_api_port))
        grpc_port = stack.enter_context(listeners.over_grpc(store, counts, host=host, port=parsed.port))
        reconfigure = functools.partial(_reconfigure, store, parsed)
        stack.enter_context(listeners.repeating(store.poll, parsed.file_system_poll_wait_seconds))
        stack.enter_context(listeners.repeating(reconfigure, parsed.model_config_file_poll_wait_seconds))
        started = "TensorFlow Serving stand-in, not for production."
        print(f"{started} REST: http://{host}:{rest_port} gRPC: {host}:{grpc_port}", flush=True)
        stopped.wait()


def _read_config(parsed: argparse.Namespace) -> Any:
    """The configuration file, or what the flags say, as a ModelServerConfig.

    Raises:
      RefusalError: the file can't be read.
    """
    from tensorflow_serving.config import model_server_config_pb2

    if parsed.model_config_file:
        if not parsed.model_config_file.is_file():
            raise RefusalError(f"--model_config_file={parsed.model_config_file} is no file.")
        return model_config.read(parsed.model_config_file)
    config = model_server_config_pb2.ModelServerConfig()
    folder = str(parsed.model_base_path)
    config.model_config_list.config.add(name=parsed.model_name, base_path=folder, model_platform="tensorflow")
    return config


def _reconfigure(store: ModelStore, parsed: argparse.Namespace) -> None:
    from stand_in import errors

    try:
        store.configure(_read_config(parsed))
    except (RefusalError, errors.StatusError) as error:
        logging.getLogger(__name__).error("The configuration stays as it was: %s", error)
    else:
        store.poll()


if __name__ == "__main__":
    sys.exit(main())
