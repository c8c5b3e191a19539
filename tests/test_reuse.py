"""An export and a classifier file are of use to TensorFlow and Keras programs that know nothing of this package.

The README shows these ways; `test_end_to_end` loads both in a process without the package.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from keras_transfer.saved_model import signatures
from keras_transfer.saved_model.signatures import ExportSpec
from small_export import CLASS_NAMES, ask, make_export_spec, noise, png

PIXELS = noise(6)
FILES = [png(each) for each in PIXELS]


@pytest.fixture(scope="module")
def spec() -> ExportSpec:
    return make_export_spec()


@pytest.fixture(scope="module")
def export_dir(tmp_path_factory: pytest.TempPathFactory, spec) -> str:
    folder = str(tmp_path_factory.mktemp("export"))
    module, functions = signatures.build_module(spec)
    tf.saved_model.save(module, folder, signatures=functions)
    return folder


@pytest.fixture(scope="module")
def loaded(export_dir) -> Any:
    return tf.saved_model.load(export_dir)


def test_a_loaded_export_answers_one_file(loaded, spec):
    answer = loaded.signatures["serving_default"](image_bytes=tf.constant([FILES[0]]))
    assert answer["label"][0].numpy().decode() == CLASS_NAMES[int(ask(spec.model, PIXELS[:1]).argmax())]


def test_a_loaded_export_maps_a_data_set(loaded, spec):
    files = tf.data.Dataset.from_tensor_slices(FILES).batch(4)
    answers = files.map(lambda batch: loaded.signatures["serving_default"](image_bytes=batch)["probabilities"])
    np.testing.assert_allclose(np.concatenate(list(answers)), ask(spec.model, PIXELS), atol=1e-6)


def test_an_export_is_a_layer_of_a_keras_model(export_dir, spec):
    layer = keras.layers.TFSMLayer(export_dir, call_endpoint="image_tensor")
    images = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(images, layer(images)["probabilities"])
    np.testing.assert_allclose(model.predict(PIXELS, verbose=0), ask(spec.model, PIXELS), atol=1e-6)


def test_the_embedding_is_a_feature_extractor_for_another_classifier(loaded):
    """Here it learns to tell dark photos from bright ones, which none of the export's classes means."""
    dark = noise(20) // 3
    files = [png(each) for each in np.concatenate([dark, 255 - dark])]
    features = loaded.signatures["embed"](image_bytes=tf.constant(files))["embedding"].numpy()
    kinds = np.repeat([0, 1], 20)
    learned = make_pipeline(StandardScaler(), LogisticRegression()).fit(features[::2], kinds[::2])
    assert learned.score(features[1::2], kinds[1::2]) == 1.0


def test_the_classifier_file_is_a_keras_model_to_train_on(tmp_path, spec):
    spec.model.save(tmp_path / "classifier.keras")
    model = keras.saving.load_model(tmp_path / "classifier.keras")
    np.testing.assert_allclose(ask(model, PIXELS), ask(spec.model, PIXELS), atol=1e-6)
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    before = model.evaluate(PIXELS.astype(np.float32), np.zeros(6), verbose=0)
    model.fit(PIXELS.astype(np.float32), np.zeros(6), epochs=3, verbose=0)
    assert model.evaluate(PIXELS.astype(np.float32), np.zeros(6), verbose=0) < before
