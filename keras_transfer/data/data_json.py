"""data.json: every example of a run and what was left out, written and read again."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keras_transfer.data.examples import Examples, LeftOut


def to_json(examples: Examples) -> dict[str, Any]:
    """The content of data.json.

    Args:
      examples: read, so that their digests are known.

    Returns:
      class_names; examples, each with path, sha256, label, split, group and slices; left_out.
    """
    columns = (examples.paths, examples.sha256, examples.label_ids, examples.splits, examples.groups)
    rows = [
        {
            "path": path,
            "sha256": digest,
            "label": examples.class_names[label_id],
            "split": split,
            "group": group,
            "slices": {name: values[place] for name, values in examples.slices.items()},
        }
        for place, (path, digest, label_id, split, group) in enumerate(zip(*columns, strict=True))
    ]
    left_out = [dataclasses.asdict(item) for item in examples.left_out]
    return {"class_names": list(examples.class_names), "examples": rows, "left_out": left_out}


def from_json(content: dict[str, Any]) -> Examples:
    """The examples as they were written; earlier releases wrote neither groups nor slices."""
    label_ids = {name: label_id for label_id, name in enumerate(content["class_names"])}
    rows = content["examples"]
    names = rows[0].get("slices", {}) if rows else {}
    return Examples(
        class_names=tuple(label_ids),
        paths=tuple(row["path"] for row in rows),
        label_ids=np.array([label_ids[row["label"]] for row in rows], np.int32),
        splits=tuple(row["split"] for row in rows),
        groups=tuple(row.get("group", "") for row in rows),
        slices={name: tuple(row["slices"][name] for row in rows) for name in names},
        sha256=tuple(row["sha256"] for row in rows),
        left_out=tuple(LeftOut(**item) for item in content["left_out"]),
    )
