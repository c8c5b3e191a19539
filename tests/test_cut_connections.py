"""Tests that a cut connection, or a server that restarts, costs a client of either protocol no answer."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack
from typing import Any

import grpc
import pytest

import client as client_program
from client import ClientError, GrpcClient, RestClient, RetryPolicy, ServedModel, UnavailableError
from clients import grpc_errors
from cutting_relay import cutting_relay
from fake_servers import FakeModel, grpc_server, rest_server

PROTOCOLS: dict[str, tuple[Any, Any]] = {"rest": (rest_server, RestClient), "grpc": (grpc_server, GrpcClient)}
QUICK = RetryPolicy(first_wait_seconds=0.05)
NEVER = RetryPolicy(retries=0)
MODEL = ServedModel("vehicles")


@pytest.fixture(params=PROTOCOLS)
def protocol(request) -> str:
    return request.param


def spelled(protocol: str, where: str) -> str:
    return f"http://{where}" if protocol == "rest" else where


# Before anything, within the first bytes, in the middle of the request; of the answer, in its head and in its body.
@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize(
    ("after_bytes", "of_answer"), [(1, False), (100, False), (400, False), (1, True), (60, True), (250, True)]
)
def test_a_cut_connection_is_tried_again(protocol, after_bytes, of_answer, reset):
    serve, make = PROTOCOLS[protocol]
    cut = {"after_bytes": after_bytes, "of_answer": of_answer, "reset": reset}
    with (
        serve(FakeModel()) as address,
        cutting_relay(address, cuts=3, **cut) as (where, relay),
        make(spelled(protocol, where), MODEL, retry=QUICK, timeout_seconds=10.0) as client,
    ):
        assert [answer.label for answer in client.predict([b"red", b"blue"] * 200)] == ["red", "blue"] * 200
        assert relay.connections >= 2  # gRPC may take part of the trouble on itself


def test_a_connection_that_is_always_cut_ends_as_unavailable_and_in_time(protocol):
    serve, make = PROTOCOLS[protocol]
    started = time.monotonic()
    with (
        serve(FakeModel()) as address,
        cutting_relay(address, cuts=10**6, after_bytes=100) as (where, _),
        make(spelled(protocol, where), MODEL, retry=QUICK, timeout_seconds=1.0) as client,
        pytest.raises(UnavailableError),
    ):
        client.predict([b"red"] * 200)
    assert time.monotonic() - started < 5


def test_a_server_that_comes_back_after_a_while_answers_the_request_that_waited(protocol):
    serve, make = PROTOCOLS[protocol]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    labels: list[str] = []
    with ExitStack() as stack:
        retry = RetryPolicy(longest_wait_seconds=0.5)
        client = stack.enter_context(make(spelled(protocol, f"127.0.0.1:{port}"), MODEL, retry=retry))
        asking = threading.Thread(target=lambda: labels.extend(one.label for one in client.predict([b"red"])))
        asking.start()
        time.sleep(1.0)
        stack.enter_context(serve(FakeModel(), port=port))
        asking.join(20.0)
        assert labels == ["red"]


def test_a_server_that_asks_grpc_clients_to_connect_anew_loses_no_request():
    """As the deployment files tell it, so that clients leave a pod that drains."""
    fake, end = FakeModel(), time.monotonic() + 2.0
    with grpc_server(fake, connection_age_ms=200) as address, GrpcClient(address, MODEL, retry=NEVER) as client:
        while time.monotonic() < end:
            assert client.predict([b"red"])[0].label == "red"
    assert len(fake.requests) > 20


class Failed(grpc.RpcError):
    """A call that ended with a code and a text."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__()
        self.code = lambda: code
        self.details = lambda: text


@pytest.mark.parametrize(
    ("code", "text", "is_tried_again"),
    [
        (grpc.StatusCode.UNAVAILABLE, "Socket closed", True),
        (grpc.StatusCode.CANCELLED, "Cancelled on the server side", True),
        (grpc.StatusCode.INTERNAL, "Received RST_STREAM with error code 2", True),
        (grpc.StatusCode.INTERNAL, "CUDA_ERROR_OUT_OF_MEMORY", False),
        (grpc.StatusCode.UNAUTHENTICATED, "no token", False),
    ],
)
def test_a_grpc_call_that_the_other_side_dropped_is_tried_again(code, text, is_tried_again):
    error = grpc_errors.of_call(Failed(code, text), address="localhost:8500", model=MODEL)
    assert isinstance(error, UnavailableError) is is_tried_again
    assert text in str(error)


def test_a_person_who_waits_is_told_once_why(tmp_path, capsys):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"red")
    flags = ["--model_name=vehicles", "--url=http://127.0.0.1:1", "--timeout_seconds=1", "--batch_size=1"]
    assert client_program.main([*flags, str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("Trying again") == 1


@pytest.mark.parametrize(("serve", "make"), [(grpc_server, RestClient), (rest_server, GrpcClient)])
def test_the_wrong_port_is_no_cut_connection(serve, make):
    with serve(FakeModel()) as address:
        where = spelled("rest" if make is RestClient else "grpc", address.removeprefix("http://"))
        with make(where, MODEL) as client, pytest.raises(ClientError, match=r"Is it the (gRPC|REST) port") as raised:
            client.predict([b"red"])
    assert not isinstance(raised.value, UnavailableError)
