"""Tests of keras_transfer.pipelines.publish: the gates that an export passes before it appears."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer.data.examples import Examples
from keras_transfer.errors import UserError
from keras_transfer.pipelines import publish as publishing
from keras_transfer.pipelines.candidates import Candidate
from keras_transfer.saved_model import checks, reader, seen_images, version_folder, warmup, writer
from keras_transfer.saved_model.signatures import ExportSpec
from keras_transfer.settings.config import PublishingConfig
from small_export import CLASS_NAMES, ask, make_export_spec, noise, png

TESTS, OTHERS = 20, 6


@pytest.fixture(scope="module")
def spec() -> ExportSpec:
    return make_export_spec()


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory, spec) -> Examples:
    """Noise; 15 of the 20 test photos bear the label that the classifier gives them, the others the next one."""
    folder = tmp_path_factory.mktemp("photos")
    pixels = noise(TESTS + OTHERS)
    label_ids = ask(spec.model, pixels).argmax(axis=1).astype(np.int32)
    label_ids[15:TESTS] = (label_ids[15:TESTS] + 1) % len(CLASS_NAMES)
    paths = [folder / f"{number}.png" for number in range(len(pixels))]
    for path, each in zip(paths, pixels, strict=True):
        path.write_bytes(png(each))
    return Examples(
        class_names=CLASS_NAMES,
        paths=tuple(map(str, paths)),
        label_ids=label_ids,
        splits=("test",) * TESTS + ("train",) * OTHERS,
        groups=("",) * len(paths),
        sha256=tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths),
    )


def candidate(folder: Path, spec: ExportSpec, examples: Examples, **changes: Any) -> Candidate:
    made = Candidate(
        spec=spec,
        folder=folder / "cars",
        version=1,
        base={"backbone": "vgg16", "weights": "random", "weights_note": "There was no network."},
        temperature=1.25,
        examples=examples,
        test=examples.in_split("test"),
        samples=examples.paths[:2],
        max_unreadable_fraction=0.05,
    )
    return dataclasses.replace(made, **changes)


def publish(wanted: Candidate, **gates: Any) -> publishing.Published:
    return publishing.publish(wanted, gates=PublishingConfig(**gates), batch_size=7)


@pytest.fixture
def without_fresh_process(monkeypatch) -> None:  # `test_checks` tests it, and it takes seconds
    monkeypatch.setattr(checks, "fresh_process_started", contextlib.nullcontext)
    monkeypatch.setattr(checks, "check_parity", lambda *_, **__: 0.0)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, spec, examples) -> publishing.Published:
    """A first version, to be copied and not changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "fresh_process_started", contextlib.nullcontext)
        patch.setattr(checks, "check_parity", lambda *_, **__: 0.0)
        return publish(candidate(tmp_path_factory.mktemp("once"), spec, examples))


def turned(spec: ExportSpec) -> ExportSpec:
    """The same classifier with its first and last class in each other's place: mostly wrong."""
    other = make_export_spec()
    logits = other.model.get_layer("logits")
    logits.set_weights([np.roll(weight, 1, axis=-1) for weight in logits.get_weights()])
    return dataclasses.replace(spec, model=other.model)


def versions(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "cars").iterdir())


def test_a_first_version_is_proved_measured_and_published(tmp_path, spec, examples):
    published = publish(candidate(tmp_path, spec, examples), min_test_accuracy=0.75, refuse_worse=True)
    assert versions(tmp_path) == ["1"]
    assert published.test is not None
    assert (published.test.examples, published.test.accuracy) == (20, 0.75)
    assert published.parity < 1e-5
    assert (published.compared, published.precision_change) == (None, None)
    metadata = version_folder.read_metadata(published.path)
    assert (metadata["test"]["macro_f1"], metadata["temperature"]) == (published.test.macro_f1, 1.25)
    assert metadata["checks"] == {
        "stored_parameters": spec.model.count_params(),
        "warmup_requests": 5,
        "parity_files": 2,
        "parity": published.parity,
    }
    assert metadata["data"]["examples"] == {"train": 6, "validation": 0, "test": 20}
    assert seen_images.count(published.path, examples.sha256) == {"train": 6}
    assert "accuracy 0.750" in (published.path / writer.MODEL_CARD_FILE).read_text("utf-8")


@pytest.mark.usefixtures("without_fresh_process")
def test_too_low_an_accuracy_is_refused_and_leaves_no_version(tmp_path, spec, examples):
    with pytest.raises(UserError, match=r"0\.7500, below --min_test_accuracy=0\.8"):
        publish(candidate(tmp_path, spec, examples), min_test_accuracy=0.8)
    assert versions(tmp_path) == []


@pytest.mark.usefixtures("without_fresh_process")
def test_an_accuracy_that_cannot_be_measured_is_refused(tmp_path, spec, examples):
    wanted = candidate(tmp_path, spec, examples, test=examples.in_split("validation"))
    with pytest.raises(UserError, match="no test split to measure it on"):
        publish(wanted, min_test_accuracy=0.1)
    assert versions(tmp_path) == []


@pytest.mark.usefixtures("without_fresh_process")
def test_a_version_is_compared_with_the_one_before_and_refused_where_it_is_worse(tmp_path, spec, examples, once):
    shutil.copytree(once.path, tmp_path / "cars" / "1")
    same = publish(candidate(tmp_path, spec, examples, version=2), refuse_worse=True)
    assert same.compared is not None
    assert (same.compared_with, same.compared.verdict, same.compared.p_value) == ("version 1", "no difference", 1.0)
    with pytest.raises(UserError, match="worse than version 2"):
        publish(candidate(tmp_path, turned(spec), examples, version=3), refuse_worse=True)
    assert versions(tmp_path) == ["1", "2"]


@pytest.mark.slow
@pytest.mark.usefixtures("without_fresh_process")
def test_a_worse_version_is_published_where_that_is_allowed_and_a_better_one_is_told(tmp_path, spec, examples, once):
    shutil.copytree(once.path, tmp_path / "cars" / "1")
    for version, given, verdict in ((2, turned(spec), "worse"), (3, spec, "better")):
        rows = dict(publish(candidate(tmp_path, given, examples, version=version)).rows())
        assert rows[f"against version {version - 1}"].startswith(f"{verdict} (")


def spoiled(folder: Path, examples: Examples, *places: int) -> Examples:
    """The examples with some files that are no images, and were none when they were read."""
    paths, digests = list(examples.paths), list(examples.sha256)
    for place in places:
        file = folder / f"{place}.png"
        file.write_bytes(b"no image")
        paths[place], digests[place] = str(file), hashlib.sha256(b"no image").hexdigest()
    return dataclasses.replace(examples, paths=tuple(paths), sha256=tuple(digests))


@pytest.mark.usefixtures("without_fresh_process")
@pytest.mark.parametrize(
    ("fraction", "gates", "words"),
    [
        (0.05, {}, "--max_unreadable_fraction"),
        # 12 of 20 are right, and 12 of 17 of the readable ones.
        (0.2, {"min_test_accuracy": 0.65}, "--min_test_accuracy"),
    ],
)
def test_unreadable_test_files_are_bounded_and_count_as_wrong(tmp_path, spec, examples, fraction, gates, words):
    given = spoiled(tmp_path, examples, 2, 3, 4)
    wanted = candidate(tmp_path, spec, given, max_unreadable_fraction=fraction)
    with pytest.raises(UserError, match=words):
        publish(wanted, **gates)
    assert versions(tmp_path) == []


@pytest.mark.usefixtures("without_fresh_process")
def test_a_few_unreadable_test_files_are_named(tmp_path, spec, examples):
    given = spoiled(tmp_path, examples, 2)
    published = publish(candidate(tmp_path, spec, given), min_test_accuracy=0.7)
    assert [path for path, _ in published.unreadable] == [given.paths[2]]
    assert version_folder.read_metadata(published.path)["test_unreadable"] == 1


@pytest.mark.usefixtures("without_fresh_process")
@pytest.mark.parametrize("content", [b"other bytes", None])
@pytest.mark.parametrize("place", [0, 15])
def test_a_test_file_that_is_gone_or_changed_is_refused_by_name(tmp_path, spec, examples, place, content):
    paths = list(examples.paths)
    paths[place] = str(tmp_path / "changed.png")
    if content:
        Path(paths[place]).write_bytes(content)
    given = dataclasses.replace(examples, paths=tuple(paths))
    wanted = candidate(tmp_path, spec, given, max_unreadable_fraction=1.0)
    with pytest.raises(UserError, match=r"changed\.png"):
        publish(wanted)
    assert not (tmp_path / "cars").exists() or versions(tmp_path) == []


@pytest.mark.usefixtures("without_fresh_process")
@pytest.mark.parametrize("error", [tf.errors.ResourceExhaustedError, tf.errors.InternalError])
def test_a_failing_machine_publishes_nothing(tmp_path, monkeypatch, spec, examples, error):
    def fail(*_: Any) -> Any:
        raise error(None, None, "the machine is on fire")

    monkeypatch.setattr(warmup, "play_back", lambda _: [])
    monkeypatch.setattr(reader.Export, "_ask", fail)
    with pytest.raises(UserError, match="the machine is on fire"):
        publish(candidate(tmp_path, spec, examples, max_unreadable_fraction=1.0))
    assert versions(tmp_path) == []


@pytest.mark.usefixtures("without_fresh_process")
def test_what_fails_while_the_results_are_made_publishes_nothing(tmp_path, spec, examples):
    wanted = candidate(tmp_path, spec, examples)
    with (
        pytest.raises(TypeError, match="integer"),
        publishing.publishing(wanted, gates=PublishingConfig(), batch_size=7) as published,
    ):
        assert published.test is not None
        raise TypeError("n must be an integer")
    assert versions(tmp_path) == []


def test_a_version_that_an_earlier_try_published_is_kept_as_it_is(tmp_path, spec, examples, once):
    shutil.copytree(once.path, tmp_path / "cars" / "1")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = publish(candidate(tmp_path, spec, examples))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert (again.test, again.parity, again.compared) == (once.test, once.parity, None)


@pytest.mark.parametrize("what", ["weights", "labels", "serving", "image", "temperature", "metadata"])
def test_another_version_of_that_number_is_refused(tmp_path, spec, examples, once, what):
    shutil.copytree(once.path, tmp_path / "cars" / "1")
    serving = dataclasses.replace(spec.serving, abstain_below=0.5)
    image = dataclasses.replace(spec.image, apply_exif=True)
    changes: dict[str, Any] = {
        "weights": lambda: {"spec": turned(spec)},
        "labels": lambda: {"examples": dataclasses.replace(examples, label_ids=(examples.label_ids + 1) % 3)},
        "serving": lambda: {"spec": dataclasses.replace(spec, serving=serving)},
        "image": lambda: {"spec": dataclasses.replace(spec, image=image)},
        "temperature": lambda: {"temperature": 2.0},
        "metadata": lambda: {},
    }
    if what == "metadata":
        (tmp_path / "cars" / "1" / version_folder.METADATA_FILE).unlink()
    with pytest.raises(UserError, match="--export_version=2"):
        publish(dataclasses.replace(candidate(tmp_path, spec, examples), **changes[what]()))
    assert versions(tmp_path) == ["1"]


@pytest.mark.slow
@pytest.mark.usefixtures("without_fresh_process")
def test_an_export_from_elsewhere_is_compared_with_and_what_it_has_seen_is_told(tmp_path, spec, examples, capsys):
    """The one in production was trained on what is the test split here."""
    swapped = dataclasses.replace(examples, splits=("train",) * TESTS + ("test",) * OTHERS)
    production = publish(candidate(tmp_path / "production", spec, swapped)).path
    worse = candidate(tmp_path, turned(spec), examples, compare_with=production)
    with pytest.raises(UserError, match=f"worse than {production}"):
        publish(worse, refuse_worse=True)
    assert versions(tmp_path) == []
    published = publish(worse)
    assert (published.compared_with, published.seen_by_compared) == (str(production), {"train": TESTS})
    assert f"{production} has seen" in capsys.readouterr().err
    assert f"against {production}" in dict(published.rows())
    card = (published.path / writer.MODEL_CARD_FILE).read_text("utf-8")
    assert "trained on 20 of these photos" in card


@pytest.mark.slow
@pytest.mark.usefixtures("without_fresh_process")
def test_the_change_by_precision_is_measured_on_files_of_the_whole_split(tmp_path, monkeypatch, spec, examples):
    asked: list[str] = []

    def measure(_: Any, __: Any, *, files: Any) -> checks.PrecisionChange:
        asked.extend(files)
        return checks.PrecisionChange(len(files), 0.0, 0)

    monkeypatch.setattr(publishing, "_PRECISION_FILES", 8)
    monkeypatch.setattr(checks, "measure_precision_change", measure)
    serving = dataclasses.replace(spec.serving, serving_precision="bfloat16")
    given = spoiled(tmp_path, examples, 2)
    for version in (1, 2):
        publish(candidate(tmp_path, dataclasses.replace(spec, serving=serving), given, version=version))
    first, second = asked[:8], asked[8:]
    assert first == second  # drawn by a seed
    assert len(set(first)) == 8
    assert set(first) <= set(given.paths[:TESTS]) - {given.paths[2]}
    assert first != list(given.paths[:8])


@pytest.mark.usefixtures("without_fresh_process")
def test_another_precision_is_reported_with_what_it_changes(tmp_path, spec, examples):
    serving = dataclasses.replace(spec.serving, serving_precision="bfloat16")
    published = publish(candidate(tmp_path, dataclasses.replace(spec, serving=serving), examples))
    change = published.precision_change
    assert change is not None
    assert change.files == 20
    assert 0 < change.largest_difference < 0.2
    assert "precision changes" in dict(published.rows())
    assert version_folder.read_metadata(published.path)["precision_change"] == dataclasses.asdict(change)


@pytest.mark.slow
@pytest.mark.usefixtures("without_fresh_process")
def test_the_checksum_of_the_data_knows_photos_labels_and_splits_but_not_their_order(tmp_path, spec, examples):
    def checksum(version: int, given: Examples) -> str:
        published = publish(candidate(tmp_path, spec, given, version=version, test=given.in_split("validation")))
        return str(version_folder.read_metadata(published.path)["data"]["sha256"])

    order = np.random.default_rng(0).permutation(len(examples))
    relabelled = dataclasses.replace(examples, label_ids=(examples.label_ids + 1) % 3)
    first = checksum(1, examples)
    assert checksum(2, examples.select(order)) == first
    assert checksum(3, relabelled) != first
