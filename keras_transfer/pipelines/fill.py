"""The second step of a training run: what lies below the cuts is computed once, and kept in the feature bank."""

from __future__ import annotations

from keras_transfer import terminal
from keras_transfer.feature_bank import filling
from keras_transfer.pipelines.prepare import Prepared


def fill(prepared: Prepared) -> None:
    """Computes and stores what the feature bank lacks of a run, if the run uses it.

    Raises:
      UserError: see `feature_bank.filling.fill`.
    """
    if not prepared.plan.uses_bank:
        return
    with prepared.watch.stage("extract"):
        planned = prepared.plan
        filling.fill(prepared.classifier, planned.banks, planned.missing, config=prepared.config)
        if not planned.missing:
            terminal.say("\nThe feature bank holds every view already.")
