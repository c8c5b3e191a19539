"""How well one picture matches a crop of another: the correlation of their grey levels at the best of many crops."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from keras_transfer.images import looks

_GLANCE_SIDE, _DETAIL_SIDE = 8, 32  # pixels
# Fractions of a side that may be cut off at an end.
_NO_STEPS, WIDE_STEPS, _NARROW_STEPS = (0.0,), (0.0, 0.05, 0.1), (0.0, 0.025, 0.05, 0.075, 0.1)
_MOST_CUT = 0.1001  # of a side, both ends together
# Pixels of the larger side. Light and dark as a whole is the same in any two X-rays; what is left without it is not.
_BLUR = 2.0
_ALIKE = 0.95  # correlation of copies that are not cropped, for which no crop is sought: most copies are such
_FLAT = 1e-3  # length of a vector below which there is nothing to correlate

Pictures = NDArray[np.float32]


def best_correlation(one: Pictures, other: Pictures) -> NDArray[np.floating]:
    """The correlation of the details of each pair of pictures, at the best crop of either.

    Details are what a blur takes away. Crops leave at least 9/10 of each side. Each stage costs several times as much
    as the one before, and looks only at the pairs that passed it.

    Args:
      one: float32, shape (pairs, side, side), grey.
      other: likewise.

    Returns:
      Shape (pairs,), in [-1, 1]; 0 where the pictures differ at a glance, or are of one grey.
    """
    score = _either_cropped(one, other, steps=_NO_STEPS, blur=_blurring())
    likely = np.flatnonzero(score < _ALIKE)
    score[likely] = 0
    nothing = np.zeros((_GLANCE_SIDE, _GLANCE_SIDE), np.float32)
    # Of 500 copies cropped by up to a tenth, all but one reach 0.95 in the first stage, and all 0.65 in the second.
    for steps, blur, least in ((WIDE_STEPS, nothing, 0.9), (WIDE_STEPS, _blurring(), 0.6)):
        likely = likely[_either_cropped(one[likely], other[likely], steps=steps, blur=blur) >= least]
    score[likely] = _either_cropped(one[likely], other[likely], steps=_NARROW_STEPS, blur=_blurring())
    return score


def _either_cropped(one: Pictures, other: Pictures, *, steps: tuple[float, ...], blur: Pictures) -> Pictures:
    directions = [_one_cropped(one, other, steps=steps, blur=blur), _one_cropped(other, one, steps=steps, blur=blur)]
    best: Pictures = np.maximum(*directions)
    return best


def _one_cropped(one: Pictures, other: Pictures, *, steps: tuple[float, ...], blur: Pictures) -> Pictures:
    """The best correlation of each `other` as a whole with the crops of `one`, both scaled to the side of `blur`."""
    crops = windows(one.shape[1], len(blur), steps)
    whole = _unit(crops[0] @ other @ crops[0].T, blur)
    best = np.full(len(one), -1.0, np.float32)
    for rows in crops:
        strips = rows @ one
        for columns in crops:
            best = np.maximum(best, np.einsum("nij,nij->n", _unit(strips @ columns.T, blur), whole))
    return best


@functools.cache
def windows(length: int, side: int, steps: tuple[float, ...]) -> NDArray[np.float32]:
    """Matrices that cut off both ends of `length` values and average the rest into `side`; the first cuts nothing."""
    ends = [(start, stop) for start in steps for stop in steps if start + stop <= _MOST_CUT]
    return np.stack([looks.averaging(length, side, start=start, stop=1 - stop) for start, stop in ends])


@functools.cache
def _blurring() -> Pictures:
    """The matrix that blurs a row of the larger side."""
    blurring: Pictures = gaussian_filter1d(np.eye(_DETAIL_SIDE, dtype=np.float32), _BLUR, axis=0)
    return blurring


def _unit(pictures: Pictures, blur: Pictures) -> Pictures:
    """Less their blurred copy and their mean, and of length 1, so that products are correlations."""
    details = pictures - blur @ pictures @ blur.T
    centred = details - details.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt(np.square(centred).sum(axis=(1, 2), keepdims=True))
    unit: Pictures = np.where(length > _FLAT, centred / np.maximum(length, _FLAT), 0.0)
    return unit
