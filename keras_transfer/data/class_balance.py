"""Whether some classes have far fewer images than the largest, and what to do about it: told before training."""

from __future__ import annotations

from collections.abc import Mapping

# Largest class : class. A head that cannot decide by the features prefers the larger class by the ratio of their
# counts: beyond 5 it takes an undecided image for the larger one five times out of six.
MOST_UNBALANCED = 5
_NAMED = 5


def rare_classes(counts: Mapping[str, int]) -> dict[str, int]:
    """Class -> images, of those classes with images that are outnumbered more than fivefold, the rarest first.

    Args:
      counts: class -> number of images to train on.
    """
    largest = max(counts.values(), default=0)
    rare = [name for name, count in counts.items() if count > 0 and count * MOST_UNBALANCED < largest]
    return {name: counts[name] for name in sorted(rare, key=lambda name: counts[name])}


def advice(counts: Mapping[str, int], *, class_weights: str) -> str:
    """A sentence with the counts and the flag that helps; '' where the classes are balanced or weighted already.

    Args:
      counts: class -> number of images to train on.
      class_weights: the setting of that name.
    """
    rare = rare_classes(counts)
    if not rare or class_weights != "none":
        return ""
    named = ", ".join(f"“{name}” {count:,}" for name, count in list(rare.items())[:_NAMED])
    more = f" and {len(rare) - _NAMED:,} more classes" if len(rare) > _NAMED else ""
    largest = max(counts, key=lambda name: counts[name])
    return (
        f"The classes are unbalanced: “{largest}” has {counts[largest]:,} images to train on, {named}{more}. "
        "Train with --class_weights=balanced, so that every class counts the same, or add images of the rare ones."
    )
