"""Tests of the two clients that serving/client.py offers to import, against small servers that fail on command."""

from __future__ import annotations

import contextlib
import io
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image

from client import (
    ClientError,
    DeadlineError,
    Embedding,
    GrpcClient,
    MissingPackageError,
    Prediction,
    RefusedError,
    RestClient,
    RetryPolicy,
    ServedModel,
    UnavailableError,
)
from clients import pixels
from clients.served_model import VersionStatus
from fake_servers import FakeModel, grpc_server, http_server, page_handler, rest_server

RETRIES = 3
QUICK = RetryPolicy(retries=RETRIES, first_wait_seconds=0.01)
RED = Prediction("red", 0.75, ("red", "blue"), (0.75, 0.25), (0.25, 0.75))
BLUE = Prediction("blue", 0.75, ("blue", "red"), (0.75, 0.25), (0.75, 0.25))

PROTOCOLS = {"rest": (rest_server, RestClient), "grpc": (grpc_server, GrpcClient)}


@pytest.fixture
def fake() -> FakeModel:
    return FakeModel()


@pytest.fixture(params=PROTOCOLS)
def protocol(request) -> str:
    return request.param


@pytest.fixture
def address(protocol, fake) -> Iterator[str]:
    with PROTOCOLS[protocol][0](fake) as address:
        yield address


@pytest.fixture
def connect(protocol, address) -> Iterator[Callable[..., Any]]:
    with contextlib.ExitStack() as stack:

        def make(model: ServedModel | None = None, **settings: Any) -> Any:
            model = model or ServedModel("vehicles")
            return stack.enter_context(PROTOCOLS[protocol][1](address, model, **{"retry": QUICK, **settings}))

        yield make


def png(*, width: int, colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, 3), colour).save(file, "PNG")
    return file.getvalue()


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def test_predict_gives_each_image_its_label_scores_and_probabilities(connect):
    assert connect().predict([b"red", b"blue", b"red"]) == [RED, BLUE, RED]


def test_predict_sends_a_batch_in_one_request(connect, fake):
    connect().predict([b"red", b"blue"])
    assert fake.requests == [("serving_default", 2)]


def test_predict_pixels_asks_about_decoded_images_in_their_order(connect):
    images = [png(width=4, colour=colour) for colour in ("blue", "red", "blue")]
    assert connect().predict_pixels(images) == [BLUE, RED, BLUE]


def test_predict_pixels_sends_a_request_for_each_run_of_one_size(connect, fake):
    images = [png(width=width, colour="red") for width in (4, 4, 7, 4)]
    assert connect().predict_pixels(images) == [RED] * 4
    assert fake.requests == [("image_tensor", 2), ("image_tensor", 1), ("image_tensor", 1)]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no image", "knows no image format"), (png(width=4, colour="red")[:45], "can't decode the image")],
    ids=["no image", "cut off"],
)
def test_predict_pixels_refuses_what_is_no_image_without_asking(connect, fake, content, message):
    with pytest.raises(RefusedError, match=message):
        connect().predict_pixels([content])
    assert fake.requests == []


def test_predict_pixels_without_pillow_says_what_to_install(connect, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingPackageError, match="pip install pillow"):
        connect().predict_pixels([b"red"])


def test_pixels_keep_rows_columns_and_channels_in_order():
    image = Image.new("RGB", (2, 1))
    image.putpixel((0, 0), (1, 2, 3))
    image.putpixel((1, 0), (4, 5, 255))
    file = io.BytesIO()
    image.save(file, "PNG")
    assert pixels.decode(file.getvalue()).rows() == [[[1, 2, 3], [4, 5, 255]]]


def test_classify_gives_the_classes_best_first(connect, fake):
    assert connect().classify([b"red"]) == [Prediction("red", 0.75, ("red", "blue"), (0.75, 0.25), ())]
    assert fake.requests == [("classify", 1)]


def test_embed_gives_the_activations(connect):
    assert connect().embed([b"red", b"blue"]) == [Embedding((0.5, 1.5)), Embedding((1.5, 0.5))]


def test_signatures_leave_out_the_initialisation(connect):
    assert connect().signatures() == ["classify", "embed", "image_tensor", "serving_default"]


def test_status_lists_versions_newest_first(connect):
    assert connect().status() == [VersionStatus(2, "AVAILABLE", ""), VersionStatus(1, "END", "out of memory")]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (ServedModel("vehicles"), (0, "")),
        (ServedModel("vehicles", version=7), (7, "")),
        (ServedModel("vehicles", label="stable"), (0, "stable")),
    ],
)
def test_version_and_label_reach_the_server(connect, fake, model, expected):
    connect(model).predict([b"red"])
    assert fake.asked_for == [expected]


def test_a_model_has_no_version_and_label_at_once():
    with pytest.raises(ValueError, match="not both"):
        ServedModel("vehicles", version=1, label="stable")


def test_an_unavailable_server_is_asked_again(connect, fake):
    fake.faults = ["unavailable", "unavailable"]
    assert connect().predict([b"red"]) == [RED]
    assert len(fake.requests) == 3


def test_retries_end(connect, fake):
    fake.faults = ["unavailable"] * 9
    with pytest.raises(UnavailableError, match="being loaded"):
        connect().predict([b"red"])
    assert len(fake.requests) == 1 + RETRIES


@pytest.mark.parametrize("fault", ["bad image", "unknown model", "unknown label", "exhausted"])
def test_other_errors_are_not_asked_again(connect, fake, fault):
    fake.faults = [fault]
    with pytest.raises(ClientError):
        connect().predict([b"red"])
    assert len(fake.requests) == 1


def test_a_refused_image_has_the_servers_words(connect):
    with pytest.raises(RefusedError, match=r"^Unknown image file format\. One of JPEG, PNG required\.$"):
        connect().predict([b"broken"])


@pytest.mark.parametrize(
    ("fault", "advice"),
    [("unknown model", "--model_name"), ("unknown label", "--label"), ("unknown signature", "--signature")],
)
def test_an_error_that_is_no_images_fault_says_which_flag_to_check(connect, fake, fault, advice):
    fake.faults = [fault]
    with pytest.raises(ClientError, match=advice) as raised:
        connect().embed([b"red"])
    assert not isinstance(raised.value, (RefusedError, UnavailableError, DeadlineError))


def test_an_unknown_model_names_the_status_url(fake):
    fake.faults = ["unknown model"]
    with (
        rest_server(fake) as url,
        RestClient(url, ServedModel("vehicles", version=3)) as client,
        pytest.raises(ClientError, match=f"{url}/v1/models/vehicles lists"),
    ):
        client.predict([b"red"])


def test_an_answer_that_takes_too_long_ends_at_the_deadline(connect, fake):
    fake.faults = [1.0]
    with pytest.raises(DeadlineError, match="--timeout_seconds"):
        connect(timeout_seconds=0.1).predict([b"red"])
    assert len(fake.requests) == 1


@pytest.mark.parametrize("make", [RestClient, GrpcClient])
def test_a_server_that_is_not_started_is_named(make):
    where = f"127.0.0.1:{free_port()}"
    with (
        make(where if make is GrpcClient else f"http://{where}", ServedModel("vehicles"), retry=QUICK) as client,
        pytest.raises(UnavailableError, match=f"Nothing listens at .*{where}.*server started"),
    ):
        client.predict([b"red"])


def test_rest_on_the_grpc_port_says_so(fake):
    with (
        grpc_server(fake) as address,
        RestClient(f"http://{address}", ServedModel("vehicles"), retry=QUICK) as client,
        pytest.raises(ClientError, match="Is it the gRPC port"),
    ):
        client.predict([b"red"])


def test_grpc_on_the_rest_port_says_so(fake):
    with (
        rest_server(fake) as url,
        GrpcClient(url.removeprefix("http://"), ServedModel("vehicles")) as client,
        pytest.raises(ClientError, match="Is it the REST port"),
    ):
        client.predict([b"red"])


def test_a_server_that_is_none_of_tensorflows_is_recognized():
    with (
        http_server(page_handler(404, b"<h1>nginx</h1>")) as url,
        RestClient(url, ServedModel("vehicles")) as client,
        pytest.raises(ClientError, match="not TensorFlow Serving's REST port"),
    ):
        client.predict([b"red"])


def test_a_page_in_place_of_an_answer_is_recognized():
    with (
        http_server(page_handler(200, b"<h1>hello</h1>")) as url,
        RestClient(url, ServedModel("vehicles")) as client,
        pytest.raises(ClientError, match="other than JSON"),
    ):
        client.predict([b"red"])


def test_a_load_balancer_without_a_server_counts_as_unavailable():
    with (
        http_server(page_handler(503, b"")) as url,
        RestClient(url, ServedModel("vehicles"), retry=QUICK) as client,
        pytest.raises(UnavailableError),
    ):
        client.predict([b"red"])


def test_grpc_requests_take_turns_where_an_address_has_several_servers():
    fakes = FakeModel(), FakeModel()
    with (
        grpc_server(fakes[0]) as first,
        grpc_server(fakes[1]) as second,
        GrpcClient(f"ipv4:{first},{second}", ServedModel("vehicles")) as client,
    ):
        for _ in range(20):
            client.predict([b"red"])
    assert sum(len(fake.requests) for fake in fakes) == 20
    assert min(len(fake.requests) for fake in fakes) > 5  # the second may take its turn a little later


def test_an_answer_beyond_grpcs_default_limit_arrives(connect, fake):
    fake.class_count = 600_000  # two images of 600,000 float32: 4.8 MB, where gRPC's default limit is 4 MB
    assert [len(item.probabilities) for item in connect().predict([b"red", b"blue"])] == [600_000, 600_000]
