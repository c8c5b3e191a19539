"""The second step of a training run: what lies below the cuts is computed once, and kept in the feature bank."""

from __future__ import annotations

from keras_transfer import terminal
from keras_transfer.feature_bank import disk_space, filling
from keras_transfer.pipelines.prepare import Prepared


def fill(prepared: Prepared) -> None:
    """Computes and stores what the feature bank lacks of a run, if the run uses it.

    Raises:
      UserError: see `feature_bank.filling.fill`.
    """
    if not prepared.plan.uses_bank:
        return
    with prepared.watch.stage("extract"):
        planned, config = prepared.plan, prepared.config
        limit = config.training.feature_cache_max_bytes
        disk_space.make_room(planned.banks[0].cache_dir, needed_bytes=planned.bank_bytes, max_bytes=limit)
        if planned.gaps:
            filling.fill(prepared.classifier, planned.banks, planned.gaps, config=config)
        else:
            terminal.say("\nThe feature bank holds every view already.")
