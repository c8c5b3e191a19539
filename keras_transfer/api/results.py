"""What the commands leave, opened: a finished run, an evaluation, an inspection, and their pages."""

from __future__ import annotations

import functools
import html
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from keras_transfer.api.loaded import AnyImage, Classifier, Prediction
from keras_transfer.run_directory import RunDirectory
from keras_transfer.settings import command_line

_PAGE_HEIGHT = 800  # pixels of a notebook's cell


class Page:
    """A report for people: an HTML file that needs no other, and that a notebook shows.

    Attributes:
      path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Page({str(self.path)!r})"

    def _repr_html_(self) -> str:
        content = html.escape(self.path.read_text("utf-8"))
        return f'<iframe srcdoc="{content}" width="100%" height="{_PAGE_HEIGHT}" style="border:0"></iframe>'


class Run:
    """A finished training run.

    Attributes:
      path: its folder.
    """

    def __init__(self, run_dir: str | os.PathLike[str]) -> None:
        """Opens the folder of a run that was trained before.

        Raises:
          UserError: it is not the folder of a finished run.
        """
        self.path = Path(run_dir).expanduser()
        self._directory = RunDirectory(self.path)
        self._config = self._directory.read_config()
        self._metrics = self._directory.read_metrics()

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        rows = [
            *(_accuracy_row(split, self.metrics[split]) for split in ("validation", "test") if self.metrics[split]),
            ("kept", self.metrics["reason"]),
            ("export", str(self.export_dir)),
            ("report", str(self._directory.report)),
        ]
        cells = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in rows)
        return f"<table>{cells}</table>"

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json: docs/report_and_metrics.md explains it."""
        return self._metrics

    @property
    def export_dir(self) -> Path:
        """Version folder of the export."""
        output = self._config.output
        return self._directory.export_folder(output.model_name) / str(output.export_version)

    @property
    def classifier_path(self) -> Path:
        """The classifier as a Keras file, for `keras.saving.load_model`."""
        return self._directory.classifier

    @property
    def settings(self) -> Mapping[str, Any]:
        """Every setting by name, as `train` takes them."""
        return dict(json.loads(self._directory.config.read_text("utf-8")))

    @functools.cached_property
    def classifier(self) -> Classifier:
        """The export, loaded."""
        return command_line.guard(lambda: Classifier(self.export_dir))

    @overload
    def predict(self, images: AnyImage) -> Prediction: ...  # type: ignore[overload-overlap]

    @overload
    def predict(self, images: Sequence[AnyImage]) -> list[Prediction]: ...

    def predict(self, images: Any) -> Any:
        """Asks the export about an image or a list of images: see `Classifier.predict`."""
        return self.classifier.predict(images)

    def report(self) -> Page:
        """The report, which a notebook shows."""
        return Page(self._directory.report)


class Evaluation:
    """An evaluated export.

    Attributes:
      path: folder of metrics.json, predictions.csv and report.html.
      metrics: the content of metrics.json.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metrics: dict[str, Any] = json.loads((path / "metrics.json").read_text("utf-8"))

    def __repr__(self) -> str:
        return f"Evaluation({str(self.path)!r}, accuracy={self.metrics['evaluation']['accuracy']:.4f})"

    def report(self) -> Page:
        """The report, which a notebook shows."""
        return Page(self.path / "report.html")


class Inspection:
    """What is wrong with photos.

    Attributes:
      path: folder of inspection.json, inspection.html and exclude.txt.
      findings: the content of inspection.json.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.findings: dict[str, Any] = json.loads((path / "inspection.json").read_text("utf-8"))

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {severity}" for severity, count in self.findings["counts"].items())
        return f"Inspection({str(self.path)!r}: {counts})"

    def report(self) -> Page:
        """The page of the findings, which a notebook shows."""
        return Page(self.path / "inspection.html")


def _accuracy_row(split: str, metrics: Mapping[str, Any]) -> tuple[str, str]:
    low, high = metrics["intervals"]["accuracy"]
    return (
        split,
        f"accuracy {metrics['accuracy']:.4f} (95%: {low:.3f} to {high:.3f}) of {metrics['examples']:,} examples",
    )
