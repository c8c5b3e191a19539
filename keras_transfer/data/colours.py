"""Whether two pictures of the same light and dark have the same colours too, up to what cameras and encoders change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keras_transfer.data import alignment
from keras_transfer.images import looks

_CELLS = 8  # along each side
# Of 125 photos of flowers, no copy of other white balance or brightness, cropped or encoded again, differs by more, and
# 97% of those of other contrast or saturation do not. Things of strong colour that change their hue differ by 0.3 to 3.
_MOST_DIFFERENCE = 0.3
_COLOURLESS = 0.1  # likewise, from grey
_FEW = 4  # cells that differ most: 1/16 of the picture is enough to be a thing of its own
# How far white balance changes a channel beside the others, and how far a filter changes the saturation.
_WHITE_BALANCE, _SATURATION = 1.6, 2.0
_DARK = 16.0  # grey levels: below them a colour is noise

Values = NDArray[np.float32]


def agree(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether the colours of each pair agree at the best crop of either.

    A picture in grey agrees with each: a grey copy is a copy.

    Args:
      one: uint8, shape (pairs, side, side, 3), RGB.
      other: likewise.

    Returns:
      Shape (pairs,).
    """
    pictures = one.astype(np.float32), other.astype(np.float32)
    wholes = [_cells(picture, *_crops(picture)[[0, 0]]) for picture in pictures]
    colourfulness = np.minimum(*(_most(_chroma(whole)) for whole in wholes))
    result: NDArray[np.bool_] = colourfulness < _COLOURLESS
    result |= _difference_of_cells(*wholes) < _MOST_DIFFERENCE
    for first, second in (pictures, pictures[::-1]):
        doubtful = np.flatnonzero(~result)
        result[doubtful] = _least_difference(first[doubtful], second[doubtful]) < _MOST_DIFFERENCE
    return result


def _least_difference(one: Values, other: Values) -> Values:
    """The least difference of each `other` as a whole from the crops of `one`: shape (pairs,)."""
    crops = _crops(one)
    whole = _cells(other, crops[0], crops[0])
    least = np.full(len(one), np.inf, np.float32)
    for rows in crops:
        for columns in crops:
            least = np.minimum(least, _difference_of_cells(_cells(one, rows, columns), whole))
    return least


def _crops(pictures: Values) -> Values:
    """Matrices that cut and average rows or columns; the first cuts nothing."""
    crops: Values = alignment.windows(pictures.shape[1], _CELLS, alignment.WIDE_STEPS)
    return crops


def _cells(pictures: Values, rows: Values, columns: Values) -> Values:
    """Mean colours: float32, shape (pairs, cells, 3)."""
    # As a function: NumPy's types take a chain of `@` for float64.
    channels: Values = np.matmul(rows @ np.moveaxis(pictures, -1, 1), columns.T)
    cells: Values = channels.reshape(len(pictures), 3, _CELLS**2).swapaxes(1, 2)
    return cells


def _difference_of_cells(one: Values, other: Values) -> Values:
    """Of the cells that differ most, once white balance and saturation are the same: shape (pairs,)."""
    gain = np.median((other + 1) / (one + 1), axis=1, keepdims=True)
    of_all = np.median(gain, axis=2, keepdims=True)
    first = _chroma(one * of_all * np.clip(gain / of_all, 1 / _WHITE_BALANCE, _WHITE_BALANCE))
    second = _chroma(other)
    square = np.square(first).sum(axis=(1, 2), keepdims=True)
    saturation = (first * second).sum(axis=(1, 2), keepdims=True) / np.maximum(square, np.finfo(np.float32).tiny)
    return _most(first * np.clip(saturation, 1 / _SATURATION, _SATURATION) - second)


def _chroma(cells: Values) -> Values:
    """How far each channel is from grey, in parts of the cell's brightness: 0 for grey."""
    luma = looks.to_grey(cells)[..., np.newaxis]
    chroma: Values = (cells - luma) / (luma + _DARK)
    return chroma


def _most(differences: Values) -> Values:
    """The mean over the few cells where the channel that differs most differs most: shape (pairs,)."""
    most: Values = np.sort(np.abs(differences).max(axis=2), axis=1)[:, -_FEW:].mean(axis=1)
    return most
