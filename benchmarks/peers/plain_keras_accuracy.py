"""Peer: how accurate transfer learning is as the Keras guides show it, frozen and then with the last block trained.

Augmentation layers, the base's own preprocessing, Dense(256), dropout 0.5; Adam at 1e-3 with the base frozen, then at
each of three lower rates with the last block trained, from the frozen result each time. The rate with the best
validation accuracy counts: where the photos are measured on validation, that favours this peer. The last line printed
is JSON: way -> seconds, and path -> probability of its class and whether it is right.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

BACKBONES: dict[str, tuple[Callable[..., keras.Model], Callable[..., Any], tuple[str, ...]]] = {
    "vgg16": (keras.applications.VGG16, keras.applications.vgg16.preprocess_input, ("block5",)),
    "mobilenetv2": (
        keras.applications.MobileNetV2,
        keras.applications.mobilenet_v2.preprocess_input,
        ("block_14", "block_15", "block_16", "Conv_1"),
    ),
}
RATES = (1e-5, 3e-5, 1e-4)


def build(backbone: str, weights: Path, class_count: int, size: int) -> tuple[keras.Model, keras.Model]:
    """The whole model, and the base within it, which is frozen."""
    make_base, preprocess, _ = BACKBONES[backbone]
    base = make_base(include_top=False, weights=None, input_shape=(size, size, 3))
    base.load_weights(weights)
    base.trainable = False
    inputs = keras.Input((size, size, 3))
    outputs = keras.layers.RandomFlip("horizontal")(inputs)
    outputs = keras.layers.RandomRotation(0.03)(outputs)
    outputs = keras.layers.RandomZoom(0.1)(outputs)
    outputs = base(preprocess(outputs), training=False)
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    outputs = keras.layers.Dense(256, activation="relu")(outputs)
    outputs = keras.layers.Dropout(0.5)(outputs)
    return keras.Model(inputs, keras.layers.Dense(class_count, activation="softmax")(outputs)), base


def fit(model: keras.Model, rate: float, epochs: int, train: Any, validation: Any) -> float:
    """Trains; returns the validation accuracy after it."""
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train, validation_data=validation, epochs=epochs, verbose=0)
    return float(history.history["val_accuracy"][-1])


def answers(model: keras.Model, measured: Any, root: Path) -> dict[str, list[float]]:
    """Path below the root -> [probability of its class, whether it is right]."""
    labels = np.concatenate([labels for _, labels in measured])
    scores = model.predict(measured, verbose=0)
    right = scores.argmax(axis=1) == labels
    found = zip(measured.file_paths, scores[np.arange(len(labels)), labels], right, strict=True)
    return {str(Path(path).relative_to(root)): [float(score), bool(is_right)] for path, score, is_right in found}


def main() -> None:
    """Trains both ways and prints what they answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image_dir", type=Path, required=True, help="with train/, val/ and, if it has one, test/")
    parser.add_argument("--backbone", choices=tuple(BACKBONES), required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--tuning_epochs", type=int, default=10)
    parser.add_argument("--image_size", type=int, default=224)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    keras.utils.set_random_seed(options.seed)

    def read(part: str, *, shuffle: bool) -> Any:
        return keras.utils.image_dataset_from_directory(
            options.image_dir / part, image_size=(options.image_size,) * 2, shuffle=shuffle, verbose=False
        )

    train, validation = read("train", shuffle=True), read("val", shuffle=False)
    measured = read("test", shuffle=False) if (options.image_dir / "test").is_dir() else validation
    started = time.perf_counter()
    model, base = build(options.backbone, options.weights, len(train.class_names), options.image_size)
    fit(model, 1e-3, options.epochs, train, validation)
    frozen = model.get_weights()
    found: dict[str, Any] = {"frozen": [time.perf_counter() - started, answers(model, measured, options.image_dir)]}
    best = -1.0
    for rate in RATES if options.tuning_epochs else ():
        for layer in base.layers:
            named = layer.name.startswith(BACKBONES[options.backbone][2])
            layer.trainable = named and not isinstance(layer, keras.layers.BatchNormalization)
        model.set_weights(frozen)
        accuracy = fit(model, rate, options.tuning_epochs, train, validation)
        if accuracy > best:
            best, found["last block"] = accuracy, [0.0, answers(model, measured, options.image_dir)]
        found["last block"][0] = time.perf_counter() - started
    print(json.dumps(found))


if __name__ == "__main__":
    main()
