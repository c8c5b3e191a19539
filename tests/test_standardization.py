"""Tests of keras_transfer.training.standardization."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from keras_transfer.model import cut
from keras_transfer.model.classifier import Tap
from keras_transfer.training import standardization
from keras_transfer.training.phase_inputs import PhaseInputs
from small_training import make_classifier, make_config


def inputs(features: np.ndarray) -> PhaseInputs:
    """Only `clean_features` matters here; it comes in uneven batches."""
    nothing = tf.data.Dataset.range(0)
    return PhaseInputs(None, nothing, nothing, 1, clean_features=lambda: iter(np.split(features, [3, 4])))


def test_mean_and_variance_are_numpys_whatever_the_batches():
    rows = np.random.default_rng(0).normal(1000, 0.01, (10, 4))  # a naive sum of squares would lose all digits
    mean, variance = standardization.mean_and_variance(np.split(rows, [1, 4, 9]))
    np.testing.assert_allclose(mean, rows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(variance, rows.var(axis=0), rtol=1e-6)


def test_the_head_sees_features_of_mean_0_and_variance_1(tmp_path):
    classifier = make_classifier(make_config(tmp_path))
    rows = np.random.default_rng(0).normal(50, 7, (40, 512)).astype(np.float32)
    standardization.fit(classifier, inputs(rows))
    standardized = np.asarray(classifier.model.get_layer("head_standardization")(rows))
    np.testing.assert_allclose(standardized.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(standardized.std(axis=0), 1, atol=1e-3)


def test_a_feature_that_never_varied_is_not_blown_up(tmp_path):
    classifier = make_classifier(make_config(tmp_path))
    rows = np.random.default_rng(0).normal(0, 2, (40, 512))
    rows[:, 5] = 3
    standardization.fit(classifier, inputs(rows))
    scale = 1 / np.sqrt(classifier.model.get_layer("head_standardization").moving_variance.numpy())
    assert scale[5] == pytest.approx(10 / 2, rel=0.05)  # ten times that of the average feature


def test_a_classifier_without_it_stays_as_it_is(tmp_path):
    classifier = make_classifier(make_config(tmp_path, standardize_features=False))
    before = cut.checksum(classifier.model.weights)
    standardization.fit(classifier, inputs(np.ones((40, 512))))
    assert cut.checksum(classifier.model.weights) == before


def test_a_layer_of_which_no_feature_varies_is_not_divided_by_nothing():
    taps = [Tap("high", "avg", 3, "a"), Tap("low", "max", 2, "b")]
    bounded = standardization.bounded(np.array([4.0, 0.0, 2.0, 0.0, 0.0]), taps)
    np.testing.assert_allclose(bounded, [4, 0.02, 2, 1, 1])
