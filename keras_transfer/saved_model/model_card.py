"""MODEL_CARD.md: what an export is, what it was measured at and how it is asked, all from its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

_TEMPLATE = Path(__file__).with_name("model_card.md.jinja")


def render(metadata: Mapping[str, Any]) -> str:
    """The model card in Markdown.

    Args:
      metadata: the content of metadata.json.

    Raises:
      jinja2.UndefinedError: a metric is missing.
    """
    environment = jinja2.Environment(
        autoescape=False,  # Markdown; names are escaped by `cell`
        keep_trailing_newline=True,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["cell"] = _cell
    return environment.from_string(_TEMPLATE.read_text("utf-8")).render(metadata)


def _cell(text: Any) -> str:
    """Text that stays within a cell of a Markdown table and means nothing to HTML."""
    escaped = str(text).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return " ".join(escaped.split())
