"""Tests of what serving/client.py is made of: batches, sources of images, formats of results, tensors."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from clients import answers, asking, image_sources, result_formats, tensors
from clients.answers import Embedding, Prediction
from clients.asking import Outcome
from clients.errors import ClientError, DeadlineError, RefusedError
from clients.image_sources import ImageSourceError
from clients.pixels import Pixels
from clients.served_model import ServedModel
from clients.serving_messages import tensor_pb2, types_pb2
from fake_servers import http_server, page_handler

CAR = Prediction("car", 0.75, ("car", "bus", "van", "tram"), (0.75, 0.125, 0.0625, 0.03125), (0.125, 0.75))


class Server:
    """Answers images that start with "good", records batches, and fails as it is told."""

    def __init__(self, error: ClientError | None = None) -> None:
        self.batches: list[list[bytes]] = []
        self.error = error

    def __call__(self, images: list[bytes]) -> list[Embedding]:
        self.batches.append(list(images))
        if self.error:
            raise self.error
        if any(not image.startswith(b"good") for image in images):
            raise RefusedError("no image")
        return [Embedding((float(image[4:]),)) for image in images]


def read(name: str) -> bytes:
    if name == "missing":
        raise ImageSourceError("no such file")
    return name.encode()


def ask(server: Server, *names: str, batch_size: int = 3) -> list[tuple[str, str]]:
    """(value or "-", error) of each name."""
    outcomes = list(asking.ask_about_all(names, read=read, ask=server, batch_size=batch_size))
    assert [outcome.image for outcome in outcomes] == list(names)
    return [(_value(outcome), outcome.error) for outcome in outcomes]


def _value(outcome: Outcome) -> str:
    return str(outcome.answer.embedding[0]) if isinstance(outcome.answer, Embedding) else "-"


def test_one_bad_image_costs_no_other_its_answer():
    server = Server()
    assert ask(server, "good1", "bad", "good2", "good3") == [
        ("1.0", ""),
        ("-", "no image"),
        ("2.0", ""),
        ("3.0", ""),
    ]
    assert server.batches == [[b"good1", b"bad", b"good2"], [b"good1"], [b"bad"], [b"good2"], [b"good3"]]


def test_an_unreadable_image_is_not_sent():
    server = Server()
    assert ask(server, "good1", "missing", "good2") == [("1.0", ""), ("-", "no such file"), ("2.0", "")]
    assert server.batches == [[b"good1", b"good2"]]


def test_a_batch_of_unreadable_images_asks_nothing():
    server = Server()
    assert ask(server, "missing", batch_size=1) == [("-", "no such file")]
    assert server.batches == []


def test_after_an_error_that_is_no_images_fault_the_server_is_left_alone():
    server = Server(ClientError("no such model"))
    assert ask(server, "good1", "good2", batch_size=1) == [
        ("-", "no such model"),
        ("-", "not asked after: no such model"),
    ]
    assert len(server.batches) == 1


def test_a_batch_that_takes_too_long_is_not_asked_again_but_the_next_one_is():
    server = Server(DeadlineError("too slow"))
    assert ask(server, "good1", "good2", "good3", batch_size=2) == [("-", "too slow")] * 3
    assert server.batches == [[b"good1", b"good2"], [b"good3"]]


def test_folders_are_searched_through_for_images_in_order(tmp_path):
    for name in ("b.PNG", "sub/a.jpeg", "c.webp", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    expected = [str(tmp_path / name) for name in ("b.PNG", "c.webp", "sub/a.jpeg")]
    assert list(image_sources.list_images([str(tmp_path)], lines=())) == expected


def test_a_dash_stands_for_the_names_on_standard_input():
    lines = ["one.jpg\n", "\n", " two.jpg \n"]
    listed = list(image_sources.list_images(["first.jpg", "-", "http://host/last"], lines=lines))
    assert listed == ["first.jpg", "one.jpg", "two.jpg", "http://host/last"]


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(ImageSourceError, match="holds no"):
        list(image_sources.list_images([str(tmp_path)], lines=()))


def test_a_url_is_downloaded():
    with http_server(page_handler(200, b"the bytes")) as url:
        assert image_sources.read_image(f"{url}/a.jpg", timeout_seconds=5) == b"the bytes"


def test_a_failed_download_says_why():
    with http_server(page_handler(404, b"")) as url, pytest.raises(ImageSourceError, match="404"):
        image_sources.read_image(f"{url}/a.jpg", timeout_seconds=5)


def test_a_download_is_bounded(monkeypatch):
    monkeypatch.setattr(image_sources, "_LARGEST_DOWNLOAD_BYTES", 10)
    with (
        http_server(page_handler(200, b"x" * 11)) as url,
        pytest.raises(ImageSourceError, match="than 10 bytes"),
    ):
        image_sources.read_image(url, timeout_seconds=5)


@pytest.mark.parametrize("name", ["missing.jpg", "nul\0.jpg", "."])
def test_a_path_that_cannot_be_read_says_so(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ImageSourceError, match="can't be read"):
        image_sources.read_image(name, timeout_seconds=1)


OUTCOMES = [Outcome("a.jpg", CAR), Outcome("b.jpg", None, "no image")]


def test_the_table_shows_the_best_classes_and_errors():
    assert result_formats.as_table(OUTCOMES).splitlines() == [
        "image  label   score   then",
        "a.jpg  car     0.7500  bus 0.1250, van 0.0625",
        "b.jpg  FAILED          no image",
    ]


def test_the_table_shows_the_beginning_of_an_embedding():
    table = result_formats.as_table([Outcome("a.jpg", Embedding((1.0, 2.0, 3.0, 4.0, 5.0)))])
    assert table.splitlines()[1].split(maxsplit=1) == ["a.jpg", "5 values: 1.000 2.000 3.000 4.000 ..."]


def test_csv_holds_every_field_with_lists_as_json():
    first, second = csv.DictReader(io.StringIO(result_formats.as_csv(OUTCOMES)))
    assert first["label"] == "car"
    assert json.loads(first["top_scores"]) == [0.75, 0.125, 0.0625, 0.03125]
    assert (second["label"], second["error"]) == ("", "no image")


def test_csv_without_any_answer_has_its_columns():
    assert result_formats.as_csv(OUTCOMES[1:]) == "image,error\nb.jpg,no image\n"


def test_json_holds_an_answer_or_an_error():
    assert json.loads(result_formats.as_json(OUTCOMES)) == [
        {
            "image": "a.jpg",
            "label": "car",
            "score": 0.75,
            "top_labels": ["car", "bus", "van", "tram"],
            "top_scores": [0.75, 0.125, 0.0625, 0.03125],
            "probabilities": [0.125, 0.75],
        },
        {"image": "b.jpg", "error": "no image"},
    ]


@pytest.mark.parametrize(
    "values", [{"float_val": [1, 2, 3, 4, 5, 6]}, {"tensor_content": np.arange(1, 7, dtype="<f4").tobytes()}]
)
def test_float_tensors_become_nested_lists(values):
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, **values)
    for size in (2, 3):
        tensor.tensor_shape.dim.add(size=size)
    assert tensors.to_lists(tensor) == [[1, 2, 3], [4, 5, 6]]


def test_string_tensors_become_text():
    assert tensors.to_lists(tensors.of_bytes([b"bus", "ë".encode()])) == ["bus", "ë"]


def test_pixels_become_a_tensor_of_rank_4():
    tensor = tensors.of_pixels([Pixels(1, 2, bytes(range(6))), Pixels(1, 2, bytes(range(6, 12)))])
    assert [dimension.size for dimension in tensor.tensor_shape.dim] == [2, 1, 2, 3]
    assert (tensor.dtype, tensor.tensor_content) == (types_pb2.DT_UINT8, bytes(range(12)))


@pytest.mark.parametrize(
    "tensor",
    [
        tensor_pb2.TensorProto(dtype=types_pb2.DT_INT64, int64_val=[1]),
        tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[1, 2]),  # a scalar's shape
    ],
)
def test_tensors_that_no_export_answers_are_refused(tensor):
    with pytest.raises(ClientError, match="The server answered"):
        tensors.to_lists(tensor)


def test_an_answer_of_another_model_names_what_it_lacks():
    with pytest.raises(ClientError, match=r"lacks 'label'.* It has output_0"):
        answers.predictions({"output_0": [[0.5, 0.5]]}, count=1)


def test_an_answer_for_another_number_of_images_is_refused():
    with pytest.raises(ClientError, match="about 2 images and answered 1 in embedding"):
        answers.embeddings({"embedding": [[1.0]]}, count=2)


def test_a_classification_without_classes_is_refused():
    with pytest.raises(ClientError, match="without naming a class"):
        answers.predictions_of_classes([[]], count=1)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (ServedModel("cars"), "/v1/models/cars"),
        (ServedModel("a/b c"), "/v1/models/a%2Fb%20c"),
        (ServedModel("cars", version=0), "/v1/models/cars/versions/0"),
        (ServedModel("cars", label="stable"), "/v1/models/cars/labels/stable"),
    ],
)
def test_a_model_is_spelled_in_a_url(model, path):
    assert model.path() == path
