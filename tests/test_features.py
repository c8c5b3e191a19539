"""Tests of keras_transfer.feature_bank.features."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_transfer.errors import UserError
from keras_transfer.feature_bank import features
from keras_transfer.images.resizing import clean_view
from small_bank import fill
from small_training import TRAIN, VALIDATION, make_classifier, make_config, make_examples


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A filled bank of training and validation images, and the base's own answers for every image."""
    folder = tmp_path_factory.mktemp("features")
    config = make_config(folder, feature_layers=("block1_pool",), augmented_views=1)
    classifier, examples = make_classifier(config), make_examples(folder)
    (bank,) = fill(classifier, examples, config)
    base = keras.Model(classifier.model.inputs[0], classifier.model.get_layer(classifier.head_cut).output)
    files = [Path(path).read_bytes() for path in examples.paths]
    images = [clean_view(content, image=config.image, max_pixels=10**6) for content in files]
    return config, classifier, examples, bank, np.asarray(base(np.stack(images), training=False))


def test_what_the_bank_lacks_is_computed_and_the_order_is_kept(case):
    config, classifier, examples, bank, expected = case
    assert np.flatnonzero(bank.missing(examples.sha256, [0] * len(examples))).tolist() == [11, 12]
    mixed = [12, 0, 11, 10]
    found = features.clean(classifier, examples.select(mixed), bank=bank, config=config)
    np.testing.assert_allclose(found, expected[mixed], rtol=2e-3)  # the bank's float16 has 11 bits
    assert found.dtype == np.float32


def test_the_stored_ones_are_the_bank_s_own(case):
    config, classifier, examples, bank, _ = case
    kept = examples.select(range(TRAIN + VALIDATION))
    found = features.clean(classifier, kept, bank=bank, config=config)
    np.testing.assert_array_equal(found, bank.read(kept.sha256, [0] * len(kept)).astype(np.float32))


def test_without_a_bank_every_feature_is_computed(case):
    config, classifier, examples, _, expected = case
    found = features.clean(classifier, examples, bank=None, config=config)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_no_examples_give_no_features(case):
    config, classifier, examples, bank, expected = case
    found = features.clean(classifier, examples.select([]), bank=bank, config=config)
    assert found.shape == (0, expected.shape[1])


@pytest.mark.parametrize("content", [b"dear diary", None], ids=["changed", "removed"])
def test_a_file_that_is_not_what_was_read_is_named(case, tmp_path, content):
    config, classifier, examples, _, _ = case
    if content:
        (tmp_path / "photo.png").write_bytes(content)
    broken = dataclasses.replace(examples.select([12]), paths=(str(tmp_path / "photo.png"),))
    with pytest.raises(UserError, match=re.escape(str(tmp_path / "photo.png"))):
        features.clean(classifier, broken, bank=None, config=config)
