"""The steps of an inspection. `inspect_data` imports it only once the configuration and the source are known good."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_transfer import atomic_files, html_pages, terminal
from keras_transfer.data import exclusions, near_copies, splits
from keras_transfer.data.examples import Examples
from keras_transfer.data.exclusions import Exclusion
from keras_transfer.errors import UserError
from keras_transfer.images import eager_decoding, thumbnails
from keras_transfer.inspection import (
    conclusion,
    duplicates,
    exclusion_list,
    file_checks,
    label_errors,
    page,
    photos,
    similar_features,
    split_checks,
)
from keras_transfer.inspection.conclusion import Conclusion
from keras_transfer.inspection.duplicates import Group
from keras_transfer.inspection.findings import Finding, by_kind, count_severities
from keras_transfer.inspection.label_errors import Ranking
from keras_transfer.inspection.photos import Photo
from keras_transfer.inspection.split_checks import Drift
from keras_transfer.model import weights_files
from keras_transfer.pipelines import stored_features
from keras_transfer.pipelines.stored_features import StoredFeatures
from keras_transfer.run_directory import RunDirectory, flag_text
from keras_transfer.settings.config import InspectConfig, SourceConfig, TrainConfig, from_flat, to_flat


@dataclass(frozen=True)
class _Inspected:
    """What was found.

    Attributes:
      examples: the readable ones.
      findings: all of them.
      groups: of copies.
      ranking: of labels, or None where there are no features.
      drifts: of splits.
      features: or None.
      notes: sentences on what was not checked.
    """

    examples: Examples
    findings: list[Finding]
    groups: list[Group]
    ranking: Ranking | None
    drifts: list[Drift]
    features: StoredFeatures | None
    notes: list[str]


def inspect(config: InspectConfig, found: Examples, output: Path) -> dict[str, Any]:
    """Inspects examples and writes all that `inspect_data` promises into a folder.

    Returns:
      The content of inspection.json.
    """
    trained = _training_config(config)
    image, max_pixels = trained.image, config.source.max_image_pixels
    read = photos.read_all(found.paths, image=image, max_pixels=max_pixels)
    inspected = _inspect(found, read, trained, wants_features=_wants_features(config))
    excluded = _choose_exclusions(inspected, config)
    drawn = _conclude(inspected, found, excluded, trained)
    command = [] if drawn.level == "stop" else _next_command(config, trained, output, has_list=bool(excluded))
    result = {**_as_json(inspected, config), "conclusion": dataclasses.asdict(drawn), "next_command": " ".join(command)}
    atomic_files.write_json(output / "inspection.json", result)
    exclusions.write(output / "exclude.txt", excluded)
    decode = eager_decoding.make_decoder(image=image, max_pixels=max_pixels, smallest_side=thumbnails.SIDE)
    page.write(
        output / "inspection.html",
        page.Page(
            title="Inspection of the images",
            conclusion=drawn,
            command=command,
            folder=html_pages.source_folder(to_flat(config)),
            findings=inspected.findings,
            exclusions=excluded,
            labels=_labels(found),
            counts=result["images"]["counts"],
            notes=inspected.notes,
        ),
        lambda paths: photos.make_thumbnails(paths, decode),
    )
    _summary(inspected, result, output)
    return result


def _choose_exclusions(inspected: _Inspected, config: InspectConfig) -> list[Exclusion]:
    """What exclude.txt holds: the files of the list that was given, so that the new one replaces it, then ours."""
    given = exclusions.read(Path(config.source.exclude_list)) if config.source.exclude_list else set()
    reason = f"It stands in {config.source.exclude_list}."
    earlier = [Exclusion(path, reason, is_active=True) for path in sorted(given)]
    split_of = dict(zip(inspected.examples.paths, inspected.examples.splits, strict=True))
    return [*earlier, *exclusion_list.choose(inspected.findings, split_of)]


def _conclude(
    inspected: _Inspected, found: Examples, excluded: Sequence[Exclusion], trained: TrainConfig
) -> Conclusion:
    split_of = dict(zip(inspected.examples.paths, inspected.examples.splits, strict=True))
    dropped = {item.path for item in excluded if item.is_active}
    unsolved = exclusion_list.unsolved(inspected.findings, excluded, split_of)
    return conclusion.draw(
        inspected.findings,
        unsolved=unsolved,
        left_out=len(dropped),
        proposed=sum(not item.is_active for item in excluded),
        obstacle=_obstacle(inspected.examples, dropped, trained),
    )


def _obstacle(examples: Examples, dropped: set[str], trained: TrainConfig) -> str:
    """Why training would refuse these images without those that are left out; "" where it would not."""
    if len(examples.class_names) < 2:
        return "there are no two classes. Put the images of each class into a folder of its own."
    kept = examples.select([index for index, path in enumerate(examples.paths) if path not in dropped])
    gone = [name for name, count in zip(kept.class_names, kept.class_counts(), strict=True) if not count]
    if gone:
        return f"no usable image of {', '.join(map(repr, gone))} remains. Add some."
    split = trained.split
    try:
        splits.assign(
            kept,
            validation_fraction=split.validation_fraction,
            test_fraction=split.test_fraction,
            seed=split.split_seed,
        )
    except UserError as error:
        return str(error)
    return ""


def _next_command(config: InspectConfig, trained: TrainConfig, output: Path, *, has_list: bool) -> list[str]:
    """The command that trains with every setting that was given here, as words quoted for a shell."""
    words = [terminal.python(), "-m", "keras_transfer.train"]
    # Every default, but of the source: a configuration without one is refused.
    start = {**to_flat(TrainConfig(source=trained.source)), **dataclasses.asdict(SourceConfig())}
    if config.settings.run_dir:
        run = RunDirectory(Path(config.settings.run_dir))
        start = to_flat(run.read_config())
        words.append(shlex.quote(f"--config={run.config}"))
    wanted = to_flat(trained)
    if has_list:
        wanted["exclude_list"] = str(output / "exclude.txt")
    if _lacks_weights(trained):
        wanted["allow_download"] = True
    changed = {name: value for name, value in wanted.items() if value != start[name]}
    return [*words, *(shlex.quote(f"--{name}={flag_text(value)}") for name, value in changed.items())]


def _lacks_weights(trained: TrainConfig) -> bool:
    """Whether the ImageNet weights that training needs are not on this machine."""
    model = trained.model
    if model.weights != "imagenet" or model.allow_random_weights:
        return False
    try:
        weights_files.check(model.weights, backbone=model.backbone, feature_layers=model.feature_layers)
    except UserError:
        return True
    return False


def _wants_features(config: InspectConfig) -> bool:
    return bool(config.settings.run_dir) or config.settings.backbone != "none"


def _training_config(config: InspectConfig) -> TrainConfig:
    """The configuration of a run on these images: that of `run_dir`, or one with the network that is given."""
    own = dataclasses.asdict(config.source)
    if config.settings.run_dir:
        run = RunDirectory(Path(config.settings.run_dir)).read_config()
        if config.settings.feature_cache_dir:  # the run's own may be another machine's
            own["feature_cache_dir"] = config.settings.feature_cache_dir
        return from_flat(TrainConfig, {**to_flat(run), **own})
    settings = config.settings
    network = {
        "weights": settings.weights,
        "precision": settings.precision,
        "feature_cache_dir": settings.feature_cache_dir,
    }
    if settings.backbone != "none":
        network["backbone"] = settings.backbone
    return from_flat(TrainConfig, {**own, **dataclasses.asdict(config.image), **network})


def _inspect(found: Examples, read: Sequence[Photo], config: TrainConfig, *, wants_features: bool) -> _Inspected:
    readable = [index for index, photo in enumerate(read) if not photo.reason]
    kept = [read[index] for index in readable]
    examples = dataclasses.replace(found.select(readable), sha256=tuple(photo.digest for photo in kept))
    findings = file_checks.check_left_out(found.left_out) + file_checks.check(read, image=config.image)
    findings += split_checks.check_groups(examples) + split_checks.check_classes(examples)
    findings += split_checks.check_balance(examples)
    read_small = near_copies.make_reader(image=config.image, max_pixels=config.source.max_image_pixels)
    groups = [*duplicates.exact_groups(examples.sha256), *duplicates.near_groups(kept, read_small)]
    findings += duplicates.findings(groups, examples)
    note = "Labels, drift and similar features were not checked: give --backbone, or --run_dir of a finished run."
    by_pixels = _Inspected(examples, findings, groups, None, [], None, [note])
    return _inspect_features(by_pixels, kept, config) if wants_features and readable else by_pixels


def _inspect_features(by_pixels: _Inspected, kept: Sequence[Photo], config: TrainConfig) -> _Inspected:
    """Adds what takes a network's features to find."""
    examples = by_pixels.examples
    features = stored_features.collect(examples, config=config)
    copies = duplicates.component_of_each(by_pixels.groups, len(examples))
    similar = duplicates.group("similar", similar_features.find(features.values), kept)
    similar = [item for item in similar if len(set(copies[list(item.indices)])) > 1]  # the others are known already
    ranking = label_errors.rank(features.values, examples.label_ids, copies=copies)
    drifts = split_checks.measure_drift(features.values, examples)
    findings = duplicates.findings(similar, examples) + label_errors.findings(ranking, examples)
    findings += split_checks.drift_findings(drifts)
    notes = [f"Features: {features.backbone}, {features.weights} weights, {features.precision}.", ranking.reason]
    return _Inspected(
        examples=examples,
        findings=by_pixels.findings + findings,
        groups=by_pixels.groups + similar,
        ranking=ranking,
        drifts=drifts,
        features=features,
        notes=[note for note in notes if note],
    )


def _labels(found: Examples) -> dict[str, str]:
    """What stands below each picture: its split and its class."""
    names = [found.class_names[label_id] for label_id in found.label_ids]
    return {
        path: " · ".join(filter(None, (split, name)))
        for path, split, name in zip(found.paths, found.splits, names, strict=True)
    }


def _as_json(inspected: _Inspected, config: InspectConfig) -> dict[str, Any]:
    examples, features = inspected.examples, inspected.features
    by_how = {how: [item for item in inspected.groups if item.how == how] for how in ("exact", "near", "similar")}
    return {
        "counts": count_severities(inspected.findings),
        "kinds": {kind: len(items) for kind, items in by_kind(inspected.findings).items()},
        "images": {"readable": len(examples), "counts": splits.describe(examples)},
        "findings": [item.as_json() for items in by_kind(inspected.findings).values() for item in items],
        "copies": {
            "summary": {how: duplicates.summary(groups, examples) for how, groups in by_how.items()},
            "groups": [duplicates.describe(item, examples) for item in inspected.groups],
        },
        "labels": label_errors.describe(inspected.ranking, examples) if inspected.ranking else [],
        "drift": split_checks.describe(inspected.drifts),
        "features": None
        if features is None
        else {"backbone": features.backbone, "weights": features.weights, "precision": features.precision},
        "notes": inspected.notes,
        "configuration": to_flat(config),
    }


def _summary(inspected: _Inspected, result: dict[str, Any], output: Path) -> None:
    rows = [("images", f"{len(inspected.examples):,} readable")]
    rows += [("source", note) for note in inspected.examples.notes]
    for kind, items in by_kind(inspected.findings).items():
        rows.append((f"{items[0].severity}: {kind.replace('_', ' ')}", f"{len(items):,}"))
    counts = result["counts"]
    rows.append(("in all", f"{counts['error']:,} errors, {counts['warning']:,} warnings, {counts['info']:,} notes"))
    rows += [(what, str(output / name)) for what, name in _FILES.items()]
    terminal.table(rows, title="Inspection")
    for note in inspected.notes:
        terminal.say(note)
    terminal.say(f"\n{result['conclusion']['decision']}")
    if result["next_command"]:
        terminal.say("Next, once you have looked at the page and the list:")
        terminal.say(f"  {result['next_command']}")


_FILES = {"page": "inspection.html", "findings": "inspection.json", "files to leave out": "exclude.txt"}
