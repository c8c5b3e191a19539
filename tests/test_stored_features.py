"""Tests of keras_transfer.pipelines.stored_features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keras_transfer.data import input_pipeline
from keras_transfer.feature_bank import filling
from keras_transfer.model import cut
from keras_transfer.pipelines import stored_features
from small_training import make_classifier, make_config, make_examples


def test_every_split_has_the_features_that_the_frozen_part_gives(tmp_path):
    settings, examples = make_config(tmp_path), make_examples(tmp_path)
    found = stored_features.collect(examples, config=settings)
    classifier = make_classifier(settings)
    images = np.concatenate(
        [
            batch.numpy()
            for batch, _ in input_pipeline.clean_batches(examples, image=settings.image, max_pixels=10**6, batch_size=5)
        ]
    )
    expected = cut.frozen_part(classifier.model, [classifier.head_cut])(images).numpy()
    assert (found.backbone, found.weights, found.precision) == ("vgg16", "random", "float32")
    assert found.values.dtype == np.float32
    np.testing.assert_allclose(found.values, expected, rtol=2e-3, atol=1e-4)


def test_nothing_is_computed_twice(tmp_path, monkeypatch):
    settings, examples = make_config(tmp_path), make_examples(tmp_path)
    first = stored_features.collect(examples, config=settings)
    monkeypatch.setattr(filling, "_make_refusing_function", lambda *_, **__: pytest.fail("filled again"))
    np.testing.assert_array_equal(stored_features.collect(examples, config=settings).values, first.values)


def test_only_the_clean_view_is_stored(tmp_path):
    settings, examples = make_config(tmp_path, augmented_views=2), make_examples(tmp_path)
    stored_features.collect(examples, config=settings)
    assert len(list(Path(tmp_path, "cache", "feature_bank").iterdir())) == 1
