"""Checks that version folders are what was exported: every file by its SHA-256, none missing, none added.

python serving/verify.py /srv/models/vehicles/3

Exit code: 0 all are, 1 one is not or carries no digests, 2 wrong use. It needs nothing but the standard library.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import export_folder
from arguments import OneLineParser, RefusalError


def verify(folder: Path) -> str:
    """Checks one version folder.

    Returns:
      What to tell of it.

    Raises:
      RefusalError: a file is not what was exported, or the export carries no digests.
    """
    contents = export_folder.check_export(folder)
    if not contents.has_digests:
        raise RefusalError(f"{folder}: {export_folder.NO_DIGESTS}")
    return f"{contents.file_count} files, {contents.size_bytes / 1e6:,.1f} MB, all as they were exported"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Returns:
      The exit code.
    """
    parser = OneLineParser(
        description="Checks that version folders are what was exported.",
        epilog="Exit code: 0 all are, 1 one is not or carries no digests, 2 wrong use.",
    )
    parser.add_argument("folders", nargs="+", type=Path, help="version folders, such as /srv/models/vehicles/3")
    all_well = True
    for folder in parser.parse_args(arguments).folders:
        try:
            print(f"ok         {folder}: {verify(folder)}", flush=True)
        except RefusalError as error:
            print(f"{parser.prog}: {error}", file=sys.stderr)
            all_well = False
    return 0 if all_well else 1


if __name__ == "__main__":
    sys.exit(main())
