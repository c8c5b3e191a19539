"""Measures the frozen part alone, on images that are in memory already: the floor of what any training can cost."""

from __future__ import annotations

import argparse
import json
import time

from keras_transfer import terminal
from keras_transfer.settings.config import ModelConfig

_BATCHES = 6


def main() -> None:
    """Prints images a second and GFLOP an image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="vgg16")
    parser.add_argument("--image_size", type=int, default=224)
    parser.add_argument("--precision", default="auto")
    options = parser.parse_args()
    terminal.import_tensorflow_quietly()
    import tensorflow as tf

    from keras_transfer.feature_bank import features
    from keras_transfer.model import classifier as classifiers
    from keras_transfer.model import cut, precision

    config = ModelConfig(backbone=options.backbone, weights="random")
    classifier = classifiers.build(config, class_count=2, image_size=options.image_size, seed=0)
    arithmetic = precision.resolve(options.precision)
    compute = features.make_frozen_function(classifier, [classifier.head_cut], arithmetic)
    images = tf.random.stateless_uniform(
        (features.COMPUTE_BATCH, options.image_size, options.image_size, 3), (0, 0), maxval=255.0
    )
    compute(images)
    seconds = []
    for _ in range(_BATCHES):
        started = time.perf_counter()
        compute(images)[0].numpy()
        seconds.append(time.perf_counter() - started)
    work = cut.multiply_accumulates(cut.frozen_part(classifier.model, [classifier.head_cut]))
    rate = features.COMPUTE_BATCH / sorted(seconds)[len(seconds) // 2]
    print(json.dumps({"images_a_second": rate, "gflop_an_image": 2 * work / 1e9, "precision": arithmetic}))


if __name__ == "__main__":
    main()
