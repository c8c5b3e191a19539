"""BMP of every kind that is not compressed -> RGB. TensorFlow's own decoder ignores palettes, masks and OS/2's headers.

Sources: Microsoft, "Bitmap Header Types" (BITMAPCOREHEADER, BITMAPINFOHEADER, BITMAPV4HEADER, BITMAPV5HEADER) and
"BITMAPINFOHEADER structure"; for OS/2 2.x and the headers of 52 and 56 bytes, Murray and vanRyper, Encyclopedia of
Graphics File Formats, "Microsoft Windows Bitmap" and "OS/2 Bitmap".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from keras_transfer.images import byte_fields

_FILE_HEADER_BYTES = 14
_CORE = 12  # BITMAPCOREHEADER, with sides of two bytes and colours of three
# OS/2 2.x's header may end after any field; the fields that are missing count as 0.
_OS2_SMALLEST, _OS2_LARGEST = 16, 64
_INFO = 40  # BITMAPINFOHEADER; its masks stand behind it, at the place where larger headers have them
_WITH_MASKS = (_INFO, 52, 56, 108, 124)
_READ_BYTES = 70  # up to the last of four masks
_PALETTE_BITS, _MASKED_BITS = (1, 4, 8), (16, 32)
_ALL_BITS = (*_PALETTE_BITS, *_MASKED_BITS, 24)
_NONE, _BY_MASKS, _BY_MASKS_WITH_ALPHA = 0, 3, 6  # of the compressions; all others compress
_MASKED, _MASKS_BYTES = (_BY_MASKS, _BY_MASKS_WITH_ALPHA), (12, 16)
_PLAIN_16, _PLAIN_32 = (0x7C00, 0x3E0, 0x1F), (0xFF0000, 0xFF00, 0xFF)
_WIDEST_MASK = 2**16 - 1
_SAVE_AS = "save it as PNG, or as BMP of 24 bits without compression."


class _Layout(NamedTuple):
    """What the header says, int64 scalars; `masks` has the shape (3,), for red, green and blue."""

    header_bytes: tf.Tensor
    height: tf.Tensor
    width: tf.Tensor
    is_top_down: tf.Tensor
    planes: tf.Tensor
    bits: tf.Tensor
    compression: tf.Tensor
    colours: tf.Tensor
    masks: tf.Tensor
    masks_behind: tf.Tensor
    start: tf.Tensor

    @property
    def palette_start(self) -> tf.Tensor:
        """Where the palette begins, or the pixels if there is none."""
        return _FILE_HEADER_BYTES + self.header_bytes + self.masks_behind

    @property
    def row_bytes(self) -> tf.Tensor:
        """Of a row with its padding to four bytes."""
        return (self.width * self.bits + 31) // 32 * 4


def declared_size(encoded: tf.Tensor) -> tf.Tensor:
    """Height and width that the header declares: int64, shape (2,); 0 where it has none.

    Args:
      encoded: string scalar, the bytes of a BMP.
    """
    layout = _layout(encoded)
    return tf.stack([layout.height, layout.width])


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """Decodes a BMP; an alpha channel is dropped.

    Memory is bounded by the file and by `declared_size`, which whoever calls has to check first.

    Args:
      encoded: string scalar, the bytes of a BMP.

    Returns:
      uint8, shape (height, width, 3), RGB.

    Raises:
      tf.errors.InvalidArgumentError: when run, for a compressed, truncated or contradictory file.
    """
    layout = _layout(encoded)
    with tf.control_dependencies(_refuse_what_is_not_read(layout, tf.cast(tf.strings.length(encoded), tf.int64))):
        content = tf.io.decode_raw(tf.identity(encoded), tf.uint8)
    stored = content[layout.start : layout.start + layout.row_bytes * layout.height]
    rows = tf.reshape(stored, tf.stack([layout.height, layout.row_bytes]))
    rows = tf.cond(layout.is_top_down, lambda: rows, lambda: rows[::-1])

    kind = tf.cast(layout.bits > 8, tf.int32) + tf.cast(tf.equal(layout.bits, 24), tf.int32)
    readers: list[Callable[[], tf.Tensor]] = [
        lambda: _by_palette(rows, content, layout),
        lambda: _by_masks(rows, layout),
        lambda: _of_24_bits(rows, layout),
    ]
    return tf.ensure_shape(tf.switch_case(kind, readers), (None, None, 3))


def _layout(encoded: tf.Tensor) -> _Layout:
    head = tf.cast(tf.io.decode_raw(byte_fields.beginning(encoded, _READ_BYTES), tf.uint8), tf.int64)
    start, header_bytes = tf.unstack(_numbers(head, (10, 14), 4))
    places = tf.range(_READ_BYTES, dtype=tf.int64)
    known = tf.where(places < _FILE_HEADER_BYTES + header_bytes, head, tf.zeros_like(head))
    of_core, of_others = _numbers(known, (20, 18, 22, 24), 2), _numbers(known, (22, 18), 4)
    of_others = tf.concat([of_others, _numbers(known, (26, 28), 2)], axis=0)
    height, width, planes, bits = tf.unstack(tf.where(tf.equal(header_bytes, _CORE), of_core, of_others))
    is_top_down = height >= 2**31  # two's complement: a negative height
    compression, colours = tf.unstack(_numbers(known, (30, 46), 4))
    behind = tf.reduce_sum(tf.where(tf.equal(compression, _MASKED), tf.constant(_MASKS_BYTES, tf.int64), 0))
    plain = tf.where(tf.equal(bits, 16), *(tf.constant(masks, tf.int64) for masks in (_PLAIN_16, _PLAIN_32)))
    return _Layout(
        header_bytes=header_bytes,
        height=tf.where(is_top_down, 2**32 - height, height),
        width=width,
        is_top_down=is_top_down,
        planes=planes,
        bits=bits,
        compression=compression,
        colours=colours,
        masks=tf.where(tf.equal(compression, _NONE), plain, _numbers(head, (54, 58, 62), 4)),
        masks_behind=tf.where(tf.equal(header_bytes, _INFO), behind, tf.zeros_like(behind)),
        start=start,
    )


def _numbers(content: tf.Tensor, offsets: tuple[int, ...], width: int) -> tf.Tensor:
    """Numbers at byte offsets, the lowest byte first: int64, shape (offsets,)."""
    places = tf.constant([[offset + place for place in range(width)] for offset in offsets])
    return tf.reduce_sum(tf.gather(content, places) * [256**place for place in range(width)], axis=1)


def _refuse_what_is_not_read(layout: _Layout, length: tf.Tensor) -> list[tf.Operation]:
    """One check after the other, so that of several faults the first is told."""
    is_os2 = (layout.header_bytes >= _OS2_SMALLEST) & (layout.header_bytes <= _OS2_LARGEST)
    is_masked = _is_one_of(layout.compression, _MASKED)
    may_be_masked = _is_one_of(layout.header_bytes, _WITH_MASKS) & _is_one_of(layout.bits, _MASKED_BITS)
    end = layout.start + layout.row_bytes * layout.height
    checks = (
        (
            tf.equal(layout.header_bytes, _CORE) | is_os2 | _is_one_of(layout.header_bytes, _WITH_MASKS),
            "The BMP's header is of an unknown kind. Its size in bytes:",
            layout.header_bytes,
        ),
        (
            tf.equal(layout.compression, _NONE) | (is_masked & may_be_masked),
            f"BMP with compression (RLE, JPEG, PNG, Huffman) is not accepted: {_SAVE_AS} The compression's number:",
            layout.compression,
        ),
        (
            _is_one_of(layout.bits, _ALL_BITS) & tf.equal(layout.planes, 1),
            f"BMP must have one plane of {', '.join(map(str, _ALL_BITS))} bits a pixel: {_SAVE_AS} Bits and planes:",
            tf.stack([layout.bits, layout.planes]),
        ),
        (
            ~_is_one_of(layout.bits, _MASKED_BITS) | _are_masks(layout.masks, layout.bits),
            f"The BMP's masks of red, green and blue contradict each other: {_SAVE_AS} The masks:",
            layout.masks,
        ),
        (
            (layout.start >= layout.palette_start) & (layout.start <= length),
            "The BMP's pixels do not stand behind its header, as they must: get the file again. Their place in bytes:",
            layout.start,
        ),
        (end <= length, "The BMP is cut off: get the file again. Bytes that are there, and needed:", length, end),
    )
    done: list[tf.Operation] = []
    for condition, message, *shown in checks:
        with tf.control_dependencies(done):
            done = [byte_fields.refuse_unless(tf.identity(condition), message, *shown)]
    return done


def _is_one_of(value: tf.Tensor, values: tuple[int, ...]) -> tf.Tensor:
    return tf.reduce_any(tf.equal(tf.constant(values, tf.int64), value))


def _are_masks(masks: tf.Tensor, bits: tf.Tensor) -> tf.Tensor:
    """Whether each mask is one run of bits of a pixel, and no bit belongs to two."""
    runs = masks // tf.maximum(_lowest_bits(masks), 1)
    are_runs = tf.reduce_all((masks > 0) & tf.equal(tf.bitwise.bitwise_and(runs, runs + 1), 0) & (runs <= _WIDEST_MASK))
    together = tf.bitwise.bitwise_or(tf.bitwise.bitwise_or(masks[0], masks[1]), masks[2])
    is_within = tf.reduce_sum(masks) < tf.bitwise.left_shift(tf.constant(1, tf.int64), tf.minimum(bits, 32))
    return are_runs & is_within & tf.equal(tf.reduce_sum(masks), together)


def _lowest_bits(masks: tf.Tensor) -> tf.Tensor:
    return tf.bitwise.bitwise_and(masks, -masks)


def _by_palette(rows: tf.Tensor, content: tf.Tensor, layout: _Layout) -> tf.Tensor:
    """The leftmost pixel stands in the highest bits of a byte."""
    bits, colours_at_most = layout.bits, tf.bitwise.left_shift(tf.constant(1, tf.int64), layout.bits)
    shifts = tf.cast(tf.range(8 - bits, -1, -bits), tf.uint8)
    indices = tf.bitwise.right_shift(rows[:, :, tf.newaxis], shifts)
    indices = tf.bitwise.bitwise_and(indices, tf.cast(colours_at_most - 1, tf.uint8))
    indices = tf.reshape(indices, tf.stack([layout.height, layout.row_bytes * (8 // bits)]))[:, : layout.width]
    entry_bytes = tf.where(tf.equal(layout.header_bytes, _CORE), tf.constant(3, tf.int64), 4)
    declared = tf.where(tf.equal(layout.colours, 0), colours_at_most, layout.colours)
    room = (layout.start - layout.palette_start) // entry_bytes
    count = tf.minimum(tf.minimum(declared, room), colours_at_most)
    is_within = tf.cast(tf.reduce_max(indices), tf.int64) < count
    message = (
        "The BMP's pixels point behind its palette: get the file again, or save it as PNG. Colours in the palette:"
    )
    with tf.control_dependencies([byte_fields.refuse_unless(is_within, message, count)]):
        palette = content[layout.palette_start : layout.palette_start + count * entry_bytes]
    colours = tf.reshape(palette, tf.stack([count, entry_bytes]))[:, 2::-1]  # stored as blue, green, red
    return tf.gather(colours, tf.cast(indices, tf.int32))


def _of_24_bits(rows: tf.Tensor, layout: _Layout) -> tf.Tensor:
    shape = tf.stack([layout.height, layout.width, 3])
    return tf.reshape(rows[:, : 3 * layout.width], shape)[:, :, ::-1]  # stored as blue, green, red


def _by_masks(rows: tf.Tensor, layout: _Layout) -> tf.Tensor:
    """Each channel is as wide as its mask; its largest value stands for 255."""
    bytes_each = layout.bits // 8
    pixels = tf.reshape(rows[:, : layout.width * bytes_each], tf.stack([layout.height, layout.width, bytes_each]))
    values = tf.bitcast(tf.pad(pixels, [[0, 0], [0, 0], [0, 4 - bytes_each]]), tf.int32)
    lowest = _lowest_bits(layout.masks)
    largest = tf.cast(layout.masks // lowest, tf.int32)
    powers = tf.constant([2**power for power in range(32)], tf.int64)
    shifts = tf.reduce_sum(tf.cast(lowest[:, tf.newaxis] > powers, tf.int32), axis=1)

    def level(channel: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        shift, highest = channel
        # The sign bit may be copied in from above, where the highest value cuts it off.
        value = tf.bitwise.bitwise_and(tf.bitwise.right_shift(values, shift), highest)
        return tf.cast(tf.round(tf.cast(value, tf.float32) * (255 / tf.cast(highest, tf.float32))), tf.uint8)

    return tf.stack([level(each) for each in zip(tf.unstack(shifts), tf.unstack(largest), strict=True)], axis=-1)
