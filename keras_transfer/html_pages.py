"""What the pages for people share: templates become HTML, and long names break at sensible places."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

# After _ / and \, and after - and . within a name: not in a number such as 0.15, nor between the dashes of a flag.
_FLAG = re.compile(r"(--\w[\w-]*)")
_BREAKS = re.compile(r"(?<=[_/\\])(?=\w)|(?<=\w[-.])(?=[^\W\d])")


def render(template: Path, values: Mapping[str, Any]) -> str:
    """Fills a template in, with every text escaped.

    Args:
      template: its file; what it includes lies in the same folder.
      values: its variables; one that is missing is an error.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(breakable=breakable, grouped=grouped)
    return environment.get_template(template.name).render(values)


def breakable(text: str) -> Markup:
    """The text escaped, with <wbr> where a line may end: a browser knows no such place in long_names_like_this.jpg.

    It would end one after the dashes of --flag, so that no longer reads as a flag: these are kept together.
    """
    parts = _FLAG.split(str(text))  # what is no flag, a flag, what is no flag, ...
    broken = [Markup("<wbr>").join(escape(part) for part in _BREAKS.split(other)) for other in parts[::2]]
    flags = [Markup('<span class="flag">{}</span>').format(flag) for flag in parts[1::2]]
    return Markup("").join(part for pair in itertools.zip_longest(broken, flags, fillvalue=Markup("")) for part in pair)


def grouped(number: int) -> str:
    """12345 -> 12,345."""
    return f"{number:,}"


def relative(path: str, folder: str) -> str:
    """A path as seen from a folder; as it is where it lies elsewhere, or where the folder is ''."""
    inside = Path(path)
    return inside.relative_to(folder).as_posix() if folder and inside.is_relative_to(folder) else path


def source_folder(settings: Mapping[str, Any]) -> str:
    """The folder that the paths of a configured source lie in: `image_dir`, or that of `image_csv`; '' for neither."""
    if settings.get("image_dir"):
        return str(settings["image_dir"])
    return str(Path(settings["image_csv"]).parent) if settings.get("image_csv") else ""
