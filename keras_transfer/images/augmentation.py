"""(image, seed) -> image: pure functions, so a view is the same today, tomorrow and after a restart. Training only."""

from __future__ import annotations

import math

import tensorflow as tf

from keras_transfer.images.resizing import frame, render_box, resize
from keras_transfer.settings.config import ImageConfig, ViewsConfig

# Random resized crop (Szegedy et al. 2015, arXiv:1409.4842, section 6).
_MAX_CROP_ASPECT_RATIO = 4 / 3


def view(
    pixels: tf.Tensor, *, number: tf.Tensor, key: tf.Tensor, image: ImageConfig, views: ViewsConfig, seed: int
) -> tf.Tensor:
    """One deterministic rendering of an example, fixed by (seed, number, key).

    Args:
      pixels: uint8, shape (height, width, 3), RGB.
      number: int64 scalar; 0 is the clean view, 1 and up are augmented.
      key: int64 scalar that stands for the example, made from its bytes.
      image: side and resize mode.
      views: strength of each augmentation.
      seed: the run's seed.

    Returns:
      float32, shape (image_size, image_size, 3), RGB in [0, 255].
    """
    return tf.cond(
        tf.equal(number, 0),
        lambda: resize(pixels, image=image),
        lambda: augmented_view(pixels, number=number, key=key, image=image, views=views, seed=seed),
    )


def augmented_view(
    pixels: tf.Tensor, *, number: tf.Tensor, key: tf.Tensor, image: ImageConfig, views: ViewsConfig, seed: int
) -> tf.Tensor:
    """`view` for a number that is known to be at least 1, so that no graph of the clean view is built beside it."""
    view_seed = tf.random.experimental.stateless_fold_in(tf.stack([tf.cast(seed, tf.int64), key]), number)
    return augment(pixels, seed=view_seed, image=image, views=views)


def augment(pixels: tf.Tensor, *, seed: tf.Tensor, image: ImageConfig, views: ViewsConfig) -> tf.Tensor:
    """Cuts, resizes, mirrors, rotates and recolours one image.

    Args:
      pixels: uint8, shape (height, width, 3), RGB.
      seed: int64, shape (2,).
      image: side and resize mode.
      views: strength of each augmentation; one at zero is left out.

    Returns:
      float32, shape (image_size, image_size, 3), RGB in [0, 255].
    """
    seeds = tf.unstack(tf.random.split(seed, 8))
    if views.crop_min_area < 1:
        result = random_crop(pixels, seed=seeds[0], min_area=views.crop_min_area, image=image)
    else:
        result = resize(pixels, image=image)
    if views.flip_horizontal:
        result = tf.image.stateless_random_flip_left_right(result, seeds[1])
    if views.flip_vertical:
        result = tf.image.stateless_random_flip_up_down(result, seeds[2])
    if views.rotation_degrees > 0:
        result = random_rotation(result, seed=seeds[3], degrees=views.rotation_degrees)
    return _recolour(result, seeds=seeds[4:], views=views)


def random_crop(pixels: tf.Tensor, *, seed: tf.Tensor, min_area: float, image: ImageConfig) -> tf.Tensor:
    """Cuts out a random part and resizes it to the square.

    The part has between `min_area` and all of the area of the resize mode's frame and an aspect ratio
    within 3:4 and 4:3 of it; with pad, it may hold some of the black bars.

    Returns:
      float32, shape (image_size, image_size, 3), in [0, 255].
    """
    sides = tf.cast(tf.shape(pixels)[:2], tf.float32)
    area, log_ratio, top, left = tf.unstack(tf.random.stateless_uniform((4,), seed))
    area = min_area + (1 - min_area) * area
    ratio = tf.exp((2 * log_ratio - 1) * math.log(_MAX_CROP_ASPECT_RATIO))
    whole = frame(sides, image.resize_mode)
    extent = tf.minimum(whole * tf.sqrt(tf.stack([area / ratio, area * ratio])), whole)
    # The square of `crop` is smaller than the image and may lie anywhere in it.
    bounds = tf.maximum(sides, whole)
    corner = (sides - bounds) / 2 + tf.stack([top, left]) * (bounds - extent)
    return render_box(pixels, corner=corner, extent=extent, image_size=image.image_size)


def random_rotation(pixels: tf.Tensor, *, seed: tf.Tensor, degrees: float) -> tf.Tensor:
    """Rotates by a random angle about the centre; the corners are filled by reflection.

    Args:
      pixels: float32, shape (side, side, 3), square.
      seed: shape (2,).
      degrees: largest angle either way.

    Returns:
      float32, shape (side, side, 3).
    """
    limit = math.radians(degrees)
    angle = tf.random.stateless_uniform((), seed, minval=-limit, maxval=limit)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    centre = (tf.cast(tf.shape(pixels)[0], tf.float32) - 1) / 2
    # Output (x, y) is taken from input (a x + b y + c, d x + e y + f): a rotation that keeps the centre.
    offset_x = centre - cosine * centre + sine * centre
    offset_y = centre - sine * centre - cosine * centre
    rotated = tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels[tf.newaxis],
        transforms=tf.stack([cosine, -sine, offset_x, sine, cosine, offset_y, 0.0, 0.0])[tf.newaxis],
        output_shape=tf.shape(pixels)[:2],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )[0]
    return tf.ensure_shape(rotated, pixels.shape)


def _recolour(pixels: tf.Tensor, *, seeds: list[tf.Tensor], views: ViewsConfig) -> tf.Tensor:
    result = pixels / 255.0  # tf.image's colour functions take floats in [0, 1]
    if views.brightness > 0:
        result = tf.image.stateless_random_brightness(result, views.brightness, seeds[0])
    if views.contrast > 0:
        result = tf.image.stateless_random_contrast(result, 1 - views.contrast, 1 + views.contrast, seeds[1])
    result = tf.clip_by_value(result, 0.0, 1.0)  # hue and saturation are only defined inside
    if views.saturation > 0:
        result = tf.image.stateless_random_saturation(result, 1 - views.saturation, 1 + views.saturation, seeds[2])
    if views.hue > 0:
        result = tf.image.stateless_random_hue(result, views.hue, seeds[3])
    return tf.clip_by_value(result, 0.0, 1.0) * 255.0
