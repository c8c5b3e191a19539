"""Published ImageNet weights, where they lie beside the repository."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_transfer.errors import UserError
from keras_transfer.model import classifier, cut
from keras_transfer.settings.config import ModelConfig

WEIGHTS = Path(__file__).parents[3] / "shared" / "weights"
MOBILENET_V2 = WEIGHTS / "mobilenet_v2_1.0_224_notop.weights.h5"
NARROW_MOBILENET = WEIGHTS / "mobilenet_2_5_224_tf_no_top.h5"  # a quarter of the channels
pytestmark = pytest.mark.skipif(not WEIGHTS.is_dir(), reason=f"no weights in {WEIGHTS}")


def test_features_from_published_weights_are_those_of_keras_applications() -> None:
    config = ModelConfig(backbone="mobilenetv2", weights=str(MOBILENET_V2))
    own = classifier.build(config, class_count=2, image_size=96, seed=0)
    original = keras.applications.MobileNetV2(
        include_top=False, weights=str(MOBILENET_V2), input_shape=(96, 96, 3), pooling="avg"
    )
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 96, 96, 3)).astype(np.float32)
    expected = original(keras.applications.mobilenet_v2.preprocess_input(pixels.copy())).numpy()
    computed = cut.frozen_part(own.model, ["head_pooling"])(pixels).numpy()
    assert own.weights == str(MOBILENET_V2)
    assert expected.std() > 0.1
    np.testing.assert_allclose(computed, expected, rtol=1e-3, atol=1e-4)


def test_published_weights_of_a_narrower_network_are_refused() -> None:
    config = ModelConfig(backbone="mobilenet", weights=str(NARROW_MOBILENET))
    with pytest.raises(UserError, match=r"does not fit mobilenet without top: Shape mismatch.*\(3, 3, 3, 32\)"):
        classifier.build(config, class_count=2, image_size=96, seed=0)


def test_published_weights_of_another_network_are_refused() -> None:
    config = ModelConfig(backbone="mobilenet", weights=str(MOBILENET_V2))
    with pytest.raises(UserError, match="does not fit mobilenet without top"):
        classifier.build(config, class_count=2, image_size=96, seed=0)
