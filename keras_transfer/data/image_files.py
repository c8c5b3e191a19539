"""Which files are images: walks folders, follows links, and says why a file is not among the images."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from keras_transfer.data.examples import LeftOut
from keras_transfer.errors import UserError
from keras_transfer.images import file_kinds

READABLE_ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp")
# Formats in which photos come, and which TensorFlow does not decode.
# fmt: off
_OTHER_IMAGE_ENDINGS = frozenset({
    ".arw", ".avif", ".cr2", ".cr3", ".dcm", ".dng", ".eps", ".exr", ".hdr", ".heic", ".heif", ".ico", ".j2k",
    ".jp2", ".jxl", ".nef", ".orf", ".pbm", ".pgm", ".pnm", ".ppm", ".psd", ".raf", ".raw", ".rw2", ".svg",
    ".tga", ".tif", ".tiff", ".xcf",
})
# fmt: on
FORMATS = "JPEG, PNG, GIF, BMP or WebP"
# Folders that a system keeps beside a person's, in small letters: thumbnails and bins of network drives (Synology,
# QNAP) and of Windows, what archives of macOS bring, and what a repaired file system finds.
_SYSTEM_FOLDERS = frozenset({
    "@eadir", "@recycle", "@recently-snapshot", "@sharebin", "@tmp", "#recycle", "#snapshot", "#trash",
    "$recycle.bin", "recycler", "recycled", "system volume information", "found.000", "lost+found", "lost.dir",
    "__macosx", "network trash folder", "temporary items", "__pycache__",
})  # fmt: skip

# Files that tell the folder of a run, of an evaluation and of an inspection from one of photos.
_OUTPUT_FILES = (("config.json", "flags.txt"), ("metrics.json", "report.html"), ("inspection.json", "inspection.html"))

Identity = tuple[int, int]  # device and inode: the same for every path to one folder


@dataclass(frozen=True)
class Misnamed(LeftOut):
    """A file with the bytes of a readable image, and a name that is not that of one."""


def list_images(path: str | Path) -> tuple[tuple[str, ...], tuple[LeftOut, ...]]:
    """Every image file below a folder, behind links too, or one file.

    A file whose name says nothing, such as b, c.jpg?width=800 or d.jpg.1, is an image where its first bytes are.

    Returns:
      Paths of the images, sorted; and the other files, each with a reason. A folder that several links lead to is
      listed once.

    Raises:
      UserError: nothing is there, or a folder that can't be opened.
    """
    start = existing_path(path)
    images, others = images_among(files_below(start)[0] if os.path.isdir(start) else [start])
    misnamed = [item.path for item in others if isinstance(item, Misnamed)]
    return tuple(sorted([*images, *misnamed])), tuple(item for item in others if not isinstance(item, Misnamed))


def existing_path(path: str | Path) -> str:
    """The path as text.

    Raises:
      UserError: nothing is there, or the path is one that TensorFlow can't open.
    """
    text = os.fspath(path)
    if not os.path.exists(text):
        raise UserError(
            f"There is no folder or file {printable(text)!r}. Check the path, and that its disk is mounted."
        )
    if printable(text) != text:
        raise UserError(
            f"The path {printable(text)} is not valid UTF-8, so TensorFlow can't open it. Rename the folder."
        )
    return text


def files_below(folder: str) -> tuple[list[str], set[Identity]]:
    """All files below a folder, with hidden and system folders, unopened; and the identities of the folders visited.

    A folder is visited once, however many links lead to it, and a link to a folder above is not followed, so that
    links in a circle do no harm.
    """
    above = {_identity(up) for start in (Path(os.path.abspath(folder)), Path(folder).resolve()) for up in start.parents}
    visited = {_identity(folder)}
    files: list[str] = []
    waiting = [folder]
    while waiting:
        folders, others = list_folder(waiting.pop())
        files += others
        for path in folders:
            identity = _identity(path)
            if identity not in visited and identity not in above:
                visited.add(identity)
                waiting.append(path)
    return files, visited


def list_folder(folder: str) -> tuple[list[str], list[str]]:
    """Paths of the visible folders in a folder, and of everything else, both sorted."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        raise UserError(
            f"The folder {printable(folder)} cannot be opened: {error.strerror}. Make it readable, or move it away."
        ) from error
    folders: list[str] = []
    others: list[str] = []
    for entry in entries:
        is_visible = not entry.name.startswith(".") and not is_system_folder(entry.name)
        is_photos = is_visible and _is_folder(entry) and not is_output_folder(entry.path)
        (folders if is_photos else others).append(entry.path)
    return folders, others


def holds_images(folder: str) -> bool:
    """Whether a file right in the folder has the name of an image; it may hold millions of them."""
    with os.scandir(folder) as scan:
        return any(is_image_name(entry.path) and not _is_folder(entry) for entry in scan)


def is_system_folder(name: str) -> bool:
    """Whether a folder of that name belongs to a system, such as @eaDir, and not to a person."""
    return name.lower() in _SYSTEM_FOLDERS


def is_output_folder(path: str) -> bool:
    """Whether a folder holds what a command of this package wrote: a run, an evaluation or an inspection."""
    return any(all(os.path.isfile(os.path.join(path, name)) for name in names) for names in _OUTPUT_FILES)


def is_image_name(path: str) -> bool:
    """Whether a file's name is that of an image, in a format that can be read or in another."""
    name = os.path.basename(path)
    ending = os.path.splitext(name)[1].lower()
    return not name.startswith(".") and (ending in READABLE_ENDINGS or ending in _OTHER_IMAGE_ENDINGS)


def images_among(files: Iterable[str]) -> tuple[tuple[str, ...], tuple[LeftOut, ...]]:
    """The files that are images by their names, sorted; and the others, each with a reason."""
    images, left_out = [], []
    for path in sorted(files):
        reason = _why_left_out(path)
        if reason is None:
            images.append(path)
        else:
            left_out.append(reason)
    return tuple(images), tuple(left_out)


def printable(path: str) -> str:
    r"""The path with bytes that are not valid UTF-8 written as \xff; the same path where there are none."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _identity(folder: str | Path) -> Identity:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _why_left_out(path: str) -> LeftOut | None:
    """None for a file with an image's name that can be opened."""
    name = os.path.basename(path)
    ending = os.path.splitext(name)[1].lower()
    if name.startswith("."):
        return LeftOut(printable(path), "is hidden (its name begins with a dot)", is_unreadable=False)
    if is_system_folder(name) and os.path.isdir(path):
        return LeftOut(printable(path), "is a system folder, passed over with all that is in it", is_unreadable=False)
    if is_output_folder(path):
        return LeftOut(printable(path), "holds results of this package, and no photos", is_unreadable=False)
    if not os.path.isfile(path):
        reason = "is no regular file" if os.path.exists(path) else "is a link to a file that is not there"
        return LeftOut(printable(path), reason, is_unreadable=True)
    if ending in _OTHER_IMAGE_ENDINGS:
        return LeftOut(printable(path), f"{ending} cannot be read; convert it to {FORMATS}", is_unreadable=True)
    if printable(path) != path:
        is_image = ending in READABLE_ENDINGS
        return LeftOut(printable(path), "its name is not valid UTF-8; rename it", is_unreadable=is_image)
    return None if ending in READABLE_ENDINGS else _by_first_bytes(path)


def _by_first_bytes(path: str) -> LeftOut:
    found = file_kinds.format_of(path)
    if ending := file_kinds.ENDING_OF_READABLE.get(found):
        reason = f"its bytes are those of a {found} image, and its name does not say so; rename it to end in {ending}"
        return Misnamed(path, reason, is_unreadable=True)
    if found:
        reason = f"its bytes are those of a {found} image, which cannot be read; convert it to {FORMATS}"
        return LeftOut(path, reason, is_unreadable=True)
    return LeftOut(path, f"its name is not that of a {FORMATS} file", is_unreadable=False)
