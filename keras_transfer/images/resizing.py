"""uint8 RGB of any size -> float32 square in [0, 255]: the clean view that training, evaluation and serving share."""

from __future__ import annotations

import tensorflow as tf

from keras_transfer.images import decoding, orientation
from keras_transfer.settings.config import ImageConfig

# The ImageNet evaluation convention: the shorter side to 256, then the central 224 (He et al. 2015,
# arXiv:1512.03385, section 3.4, and most pretrained networks since).
CROP_FRACTION = 224 / 256


def clean_view(encoded: tf.Tensor, *, image: ImageConfig, max_pixels: int) -> tf.Tensor:
    """Decodes and resizes one image: THE preprocessing of training, evaluation and serving.

    Args:
      encoded: string scalar, the bytes of an image file.
      image: side, resize mode, and whether EXIF orientation counts.
      max_pixels: see `decoding.decode`.

    Returns:
      float32, shape (image_size, image_size, 3), RGB in [0, 255].
    """
    return resize(decode_for(encoded, image=image, max_pixels=max_pixels), image=image)


def decode_for(encoded: tf.Tensor, *, image: ImageConfig, max_pixels: int) -> tf.Tensor:
    """Decodes one image at the size that `resize` needs, upright if wanted: uint8, shape (height, width, 3), RGB."""
    pixels = decoding.decode(encoded, max_pixels=max_pixels, smallest_side=round(image.image_size / CROP_FRACTION))
    return orientation.turn_upright(pixels, encoded) if image.apply_exif else pixels


def resize(pixels: tf.Tensor, *, image: ImageConfig) -> tf.Tensor:
    """Resizes one image to a square, antialiased.

    crop: the central square of 7/8 of the shorter side. squash: the whole image, aspect ratio ignored. pad: the whole
    image, black bars beside it.

    Args:
      pixels: uint8 or float32, shape (height, width, 3), in [0, 255].
      image: side and resize mode.

    Returns:
      float32, shape (image_size, image_size, 3), in [0, 255].
    """
    sides = tf.cast(tf.shape(pixels)[:2], tf.float32)
    extent = frame(sides, image.resize_mode)
    if image.resize_mode == "crop":
        extent *= CROP_FRACTION
    return render_box(pixels, corner=(sides - extent) / 2, extent=extent, image_size=image.image_size)


def frame(sides: tf.Tensor, resize_mode: str) -> tf.Tensor:
    """Height and width of the region of an image that a resize mode works in.

    Args:
      sides: float32, shape (2,), height and width in pixels.
      resize_mode: crop (the shorter side's square), squash (all), pad (the longer side's square).

    Returns:
      float32, shape (2,), height and width in pixels.
    """
    if resize_mode == "squash":
        return sides
    side = tf.reduce_min(sides) if resize_mode == "crop" else tf.reduce_max(sides)
    return tf.stack([side, side])


def render_box(pixels: tf.Tensor, *, corner: tf.Tensor, extent: tf.Tensor, image_size: int) -> tf.Tensor:
    """Resizes a box of an image to a square in one step; what lies outside the image is black.

    Only the pixels that are wanted are computed, which makes a crop of a large photo cheap.

    Args:
      pixels: uint8 or float32, shape (height, width, 3), in [0, 255].
      corner: float32, shape (2,), top and left of the box in pixels.
      extent: float32, shape (2,), height and width of the box in pixels.
      image_size: side of the result in pixels.

    Returns:
      float32, shape (image_size, image_size, 3), in [0, 255].
    """
    sides = tf.cast(tf.shape(pixels)[:2], tf.float32)
    # An image far longer than high would shrink to less than one row of pixels and vanish.
    scale = tf.maximum(image_size / extent, 1 / sides)
    centre = corner + extent / 2
    resized = tf.raw_ops.ScaleAndTranslate(
        images=pixels[tf.newaxis],
        size=(image_size, image_size),
        scale=scale,
        translation=image_size / 2 - scale * centre,
        kernel_type="triangle",
        antialias=True,
    )[0]
    return tf.clip_by_value(tf.ensure_shape(resized, (image_size, image_size, 3)), 0.0, 255.0)
