"""Which images a report shows, and what it says of each: mistakes, doubts, classes, and where the classifier looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# House choices: about three rows on a wide screen, and a page that stays below 5 MB.
_SHOWN = 12
_EXPLAINED_OF_EACH_KIND = 6
_MOST_CLASS_EXAMPLES = 60
_MOST_A_CLASS = 4
_SEED = 0  # of every drawing below, so that the same run shows the same images

# From positions of images to a data URI for each that can still be read.
Pictures = Callable[[Sequence[int]], Mapping[int, str]]


@dataclass(frozen=True)
class Photo:
    """One picture of a gallery.

    Attributes:
      data: data URI.
      alt: text for those who do not see it.
      caption: what is told of it.
      file: its path.
    """

    data: str
    alt: str
    caption: str
    file: str


@dataclass(frozen=True)
class Gallery:
    """Some pictures under a title.

    Attributes:
      title: heading.
      note: how they were chosen and what to look for.
      photos: at least one.
      is_wide: whether each picture is two beside each other.
      shows_mistakes: whether it belongs on top of the page.
    """

    title: str
    note: str
    photos: tuple[Photo, ...]
    is_wide: bool = False
    shows_mistakes: bool = False


@dataclass(frozen=True)
class Classified:
    """Images with their labels and what the classifier says of them.

    Attributes:
      paths: of the files.
      label_ids: true label ids, integers, shape (images,).
      probabilities: float32, shape (images, classes).
      class_names: in the order of the label ids.
    """

    paths: Sequence[str]
    label_ids: NDArray[np.integer]
    probabilities: NDArray[np.float32]
    class_names: Sequence[str]

    @property
    def predicted_ids(self) -> NDArray[np.int64]:
        """The most probable class of each."""
        found: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return found


def confident_mistakes(images: Classified) -> list[int]:
    """Positions of wrongly classified images, the most confident first."""
    wrong = np.flatnonzero(images.predicted_ids != images.label_ids)
    order = np.argsort(-images.probabilities.max(axis=1)[wrong], kind="stable")
    return [int(position) for position in wrong[order][:_SHOWN]]


def least_certain(images: Classified) -> list[int]:
    """Positions of the images whose two most probable classes are closest to each other, the closest first.

    The margin between the two is the measure that active learning samples by: Settles 2009, "Active Learning
    Literature Survey", section 3.1, https://minds.wisconsin.edu/handle/1793/60660.
    """
    highest = np.sort(images.probabilities, axis=1)
    margins = highest[:, -1] - highest[:, -2]
    return [int(position) for position in np.argsort(margins, kind="stable")[:_SHOWN]]


def class_examples(images: Classified) -> list[int]:
    """Positions of some images of each class, drawn at random, in the order of the classes."""
    count = len(images.class_names)
    a_class = max(1, min(_MOST_A_CLASS, _MOST_CLASS_EXAMPLES // count))
    rng = np.random.default_rng(_SEED)
    found: list[int] = []
    for label_id in range(min(count, _MOST_CLASS_EXAMPLES)):
        own = np.flatnonzero(images.label_ids == label_id)
        found += np.sort(rng.choice(own, min(a_class, len(own)), replace=False)).tolist()
    return found


def to_explain(images: Classified) -> list[int]:
    """Positions of the most confident mistakes, then of as many right ones as there is room for, drawn at random."""
    wrong = confident_mistakes(images)[:_EXPLAINED_OF_EACH_KIND]
    right = np.flatnonzero(images.predicted_ids == images.label_ids)
    chosen = np.random.default_rng(_SEED).permutation(right)[:_EXPLAINED_OF_EACH_KIND]
    return [*wrong, *chosen.tolist()]


def of_results(images: Classified, pictures: Pictures) -> list[Gallery]:
    """The galleries that need no more than the answers; without those that would be empty.

    Args:
      images: at least one.
      pictures: makes a small picture of each position.
    """
    wrong, doubtful, drawn = confident_mistakes(images), least_certain(images), class_examples(images)
    count = int((images.predicted_ids != images.label_ids).sum())
    mistakes = (
        f"{len(wrong):,} of {count:,} mistakes. Look for wrong labels, classes that are hard to tell apart, and what "
        "training lacks."
    )
    doubts = "The two most probable classes are closest here. More labelled images like these teach it most."
    classes = "Drawn at random from those that were measured, cropped as the classifier sees them."
    if len(images.class_names) > _MOST_CLASS_EXAMPLES:
        classes += f" The first {_MOST_CLASS_EXAMPLES} of {len(images.class_names):,} classes."
    return _filled(
        Gallery("Most confident mistakes", mistakes, _photos(images, wrong, pictures), shows_mistakes=True),
        Gallery("Least certain", doubts, _photos(images, doubtful, pictures)),
        Gallery("Examples of each class", classes, _photos(images, drawn, pictures)),
    )


def of_explanations(images: Classified, positions: Sequence[int], pictures: Pictures) -> list[Gallery]:
    """The gallery of where the classifier looked, if it has pictures.

    Args:
      images: that `positions` are of.
      positions: from `to_explain`.
      pictures: makes of each position its picture beside the same with heat on it.
    """
    note = (
        "Bright is what speaks most for the class it chose (Grad-CAM, Selvaraju et al. 2017). The maps are coarse: one "
        "place stands for a large square of the image. Wrong answers come first. Where a right answer rests on the "
        "background, it may fail in other places."
    )
    return _filled(Gallery("Where it looks", note, _photos(images, positions, pictures), is_wide=True))


def _filled(*found: Gallery) -> list[Gallery]:
    return [gallery for gallery in found if gallery.photos]


def _photos(images: Classified, positions: Iterable[int], pictures: Pictures) -> tuple[Photo, ...]:
    wanted = list(positions)
    made = pictures(wanted)
    return tuple(_photo(images, position, made[position]) for position in wanted if position in made)


def _photo(images: Classified, position: int, data: str) -> Photo:
    predicted = int(images.predicted_ids[position])
    true_name, name = images.class_names[int(images.label_ids[position])], images.class_names[predicted]
    confidence = f"{images.probabilities[position, predicted]:.0%}"
    if true_name == name:
        caption = f"{true_name}: right, {confidence} sure"
    else:
        caption = f"{true_name}, taken for {name}, {confidence} sure"
    return Photo(data, f"An image of {caption}.", caption, images.paths[position])
