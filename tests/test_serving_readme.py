"""serving/README.md: whether the files that it and the deployment files name exist, and the flags that it gives."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
SERVING = REPOSITORY / "serving"
README = (SERVING / "README.md").read_text("utf-8")
DEPLOYMENT_FILES = sorted(
    path for suffix in ("*.yaml", "*.config", "*.sh", "*.md") for path in SERVING.rglob(suffix) if path.is_file()
)
# A command of the README: the program, and the rest of its line.
COMMANDS = re.findall(r"python (serving/\w+\.py|-m keras_transfer\.\w+)([^\n`]*)", README)


@pytest.mark.parametrize("path", DEPLOYMENT_FILES, ids=lambda path: str(path.relative_to(SERVING)))
def test_a_path_below_serving_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"(?<![\w/])serving/[\w./]*\w", path.read_text("utf-8"))) - {"serving/serving"}
    named = {name for name in named if not re.search(r":\d", name)}
    assert [name for name in sorted(named) if not (REPOSITORY / name).exists()] == []


@pytest.mark.parametrize("path", DEPLOYMENT_FILES, ids=lambda path: str(path.relative_to(SERVING)))
def test_a_path_from_the_file_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"(?<![\w./])\.\./[\w./]*\w", path.read_text("utf-8")))
    assert [name for name in sorted(named) if not (path.parent / name).exists()] == []


@pytest.mark.parametrize("name", re.findall(r"^\| `([\w.]+(?:py|/))` \|", README, re.MULTILINE))
def test_a_program_of_the_table_exists(name: str) -> None:
    assert (SERVING / name).exists()


@functools.cache
def help_of(program: str) -> str:
    command = [sys.executable, *program.split(), "--helpfull" if program.startswith("-m") else "--help"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    return result.stdout + result.stderr


@pytest.mark.parametrize(("program", "rest"), COMMANDS)
def test_a_command_gives_flags_that_the_program_has(program: str, rest: str) -> None:
    flags = set(re.findall(r"--\w+", rest))
    assert flags or rest.strip()  # or what it is about
    assert flags - set(re.findall(r"--\w+", help_of(program))) == set()


def test_the_quick_start_is_first_and_takes_five_lines() -> None:
    first_block = re.search(r"(?:^    .+\n)+", README, re.MULTILINE)
    assert first_block is not None
    assert README[: first_block.start()].count("\n#") == 0
    assert first_block.group().count("\n") == 5


def test_from_a_run_directory_to_grpc_takes_three_commands() -> None:
    section = README.split("## Docker and a GPU, in three commands\n")[1]
    block = re.match(r"\n((?:    .+\n)+)", section)
    assert block is not None
    assert block.group(1).count("\n") == 3
    assert "Not run here" in section
