"""Feature banks of the tiny training that several tests fill and compare."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from keras_transfer.data.examples import Examples
from keras_transfer.feature_bank import filling
from keras_transfer.feature_bank.store import Store
from keras_transfer.model.classifier import Classifier
from keras_transfer.settings.config import TrainConfig
from keras_transfer.training import phases


def open_banks(classifier: Classifier, config: TrainConfig) -> tuple[Store, ...]:
    """Those of a configuration, in float32."""
    cuts = [phase.cut for phase in phases.plan(classifier, config.training)]
    return filling.open_banks(classifier, cuts, config=config, precision_name="float32")


def fill(classifier: Classifier, examples: Examples, config: TrainConfig) -> tuple[Store, ...]:
    """Opens and fills them."""
    banks = open_banks(classifier, config)
    filling.fill(classifier, banks, filling.find_missing(banks, examples), config=config)
    return banks


def contents(folder: Path) -> dict[tuple[str, str], str]:
    """Digest of every record of the banks, by column and image: which shard it lies in depends on time."""
    found = {}
    for index in (path for path in folder.rglob("[!.]*.json") if path.name != "column.json"):
        digests, records = json.loads(index.read_text("utf-8"))["images"], index.with_suffix(".records").read_bytes()
        size = len(records) // len(digests)
        for row, digest in enumerate(digests):
            record = records[row * size : (row + 1) * size]
            found[index.parent.name, digest] = hashlib.sha256(record).hexdigest()
    return found
