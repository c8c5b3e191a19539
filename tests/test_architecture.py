"""The package keeps the rules of the house, and the rules notice what does not."""

from __future__ import annotations

import ast

import pytest

import house_rules


@pytest.fixture(scope="module")
def package() -> dict[str, str]:
    return house_rules.read_modules(house_rules.PACKAGE)


@pytest.fixture(scope="module")
def everything() -> dict[str, str]:
    return house_rules.read_modules(house_rules.PACKAGE, "serving", "benchmarks", "tests")


def refuse(faults: list[str]) -> None:
    """Fails with all faults, one a line."""
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def test_each_part_imports_only_what_it_may(package):
    refuse(house_rules.import_faults(package))


def test_no_modules_import_each_other_in_a_circle(package):
    refuse(house_rules.circles(package))


def test_reserved_libraries_are_imported_only_where_they_may(package):
    refuse(house_rules.library_faults(package))


def test_nothing_reads_code_out_of_a_file(package):
    refuse(house_rules.argument_faults(package))


def test_commands_import_no_slow_library_before_they_run(package):
    refuse(house_rules.slow_import_faults(package))


def test_serving_imports_nothing_of_the_package():
    serving = house_rules.read_modules("serving")

    names = [name for source in serving.values() for name in house_rules.imported_names(ast.walk(ast.parse(source)))]

    refuse([name for name in names if name.partition(".")[0] == house_rules.PACKAGE])


def test_each_module_of_a_room_has_a_test_file(package):
    refuse(house_rules.untested(package, {path.name for path in (house_rules.REPOSITORY / "tests").glob("test_*.py")}))


def test_each_module_says_what_lives_in_it(everything):
    refuse(house_rules.undocumented(everything))


def test_no_file_is_too_long(everything):
    refuse(house_rules.too_long(everything))


@pytest.mark.parametrize(
    ("module", "source", "count"),
    [
        ("settings.config", "import keras_transfer.atomic_files", 1),
        ("terminal", "from keras_transfer import settings", 1),
        ("images.resizing", "from keras_transfer.data import splits", 1),
        ("images.resizing", "def f():\n    import keras_transfer.model.cut", 1),
        ("model.cut", "from keras_transfer.images.resizing import resize", 1),
        ("data.audit", "from keras_transfer import model", 1),
        ("evaluation.report", "from keras_transfer.data.examples import Examples", 1),
        ("saved_model.writer", "from keras_transfer.training import phases", 1),
        ("training.plan", "from keras_transfer import run_directory", 1),
        ("predict", "from keras_transfer.evaluate import evaluate", 1),
        ("feature_bank.store", "from keras_transfer.training import phases", 1),
        ("pipelines.prepare", "from keras_transfer import train", 1),
        ("data.audit", "from . import splits", 1),
        ("data.audit", "from ..images import decoding", 1),
        ("helpers", "", 1),
        ("images.resizing", "from keras_transfer.images import decoding", 0),
        ("data.audit", "from keras_transfer.images.decoding import decode", 0),
        ("evaluation.report", "from keras_transfer import __version__, atomic_files, terminal", 0),
        ("train", "import keras_transfer\nfrom keras_transfer import pipelines, settings", 0),
        ("model.cut", "import keras, json", 0),
    ],
)
def test_a_forbidden_import_is_found_and_an_allowed_one_passes(module, source, count):
    assert len(house_rules.import_faults({f"keras_transfer.{module}": source})) == count


@pytest.mark.parametrize(
    ("module", "source", "count"),
    [
        ("train", "from absl import flags", 1),
        ("settings.command_line", "from absl import flags", 0),
        ("data.audit", "def f():\n    import pickle", 1),
        ("settings.command_line", "from joblib.numpy_pickle import load", 1),
        ("data.audit", "import pickles", 0),
    ],
)
def test_a_reserved_library_is_found_where_it_may_not_be(module, source, count):
    assert len(house_rules.library_faults({f"keras_transfer.{module}": source})) == count


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("load(path, safe_mode=False)", 1),
        ("load(path, safe_mode=trusted)", 1),
        ("np.load(path, allow_pickle=True)", 1),
        ("load(path, safe_mode=True)\nnp.load(path, allow_pickle=False)", 0),
    ],
)
def test_an_unsafe_argument_is_found(source, count):
    assert len(house_rules.argument_faults({"keras_transfer.data.audit": source})) == count


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import keras", 1),
        ("from tensorflow.io import gfile", 1),
        ("try:\n    import keras\nexcept ImportError:\n    pass", 1),
        ("class A:\n    import keras", 1),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import keras", 1),
        ("from keras_transfer.data import sources", 1),
        ("from keras_transfer.data import sources, audit", 1),
        ("def train():\n    import keras", 0),
        ("if typing.TYPE_CHECKING:\n    import keras", 0),
        ("import numpy", 0),
    ],
)
def test_a_slow_import_is_found_through_other_modules_and_a_late_one_passes(source, count):
    sources = {
        "keras_transfer.train": source,
        "keras_transfer.data": "",
        "keras_transfer.data.sources": "from keras_transfer.data.audit import read",
        "keras_transfer.data.audit": "import tensorflow as tf",
    }

    assert len(house_rules.slow_import_faults(sources)) == count


@pytest.mark.parametrize(
    ("source", "count"),
    [("from keras_transfer.data import b", 1), ("def f():\n    import keras_transfer.data.b", 1), ("import json", 0)],
)
def test_a_circle_is_found(source, count):
    sources = {"keras_transfer.data.a": source, "keras_transfer.data.b": "from keras_transfer.data.a import f"}

    assert len(house_rules.circles(sources)) == count


def test_a_module_without_a_docstring_is_found():
    assert house_rules.undocumented({"a": "'''Says.'''", "b": "# Says nothing.\nimport json"}) == ["b"]


def test_a_file_over_the_limit_is_found():
    assert house_rules.too_long({"a": "x\n" * 320, "b": "x\n" * 321}) == ["b: 321 lines"]


def test_a_module_and_a_package_without_a_test_file_are_found():
    names = ("data", "data.audit", "data.splits", "data.drawing.pen", "train")
    modules = {f"keras_transfer.{name}": "" for name in names}

    assert house_rules.untested(modules, {"test_splits.py"}) == ["audit", "drawing"]
