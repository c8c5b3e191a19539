"""The rules of the house, and what finds faults in sources: who may import whom, and what may stand nowhere."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
PACKAGE = "keras_transfer"
LONGEST_FILE_LINES = 320

NOTHING: frozenset[str] = frozenset()
# What everybody may import. It imports nothing of the package but what stands behind it in MAY_IMPORT.
BASE = frozenset({"errors", "settings", "terminal", "atomic_files", "html_pages", "interruption"})
ROOMS = frozenset(
    {"images", "data", "inspection", "model", "feature_bank", "training", "saved_model", "evaluation", "drawn_vehicles"}
)
COMMANDS = frozenset({"train", "evaluate", "predict", "export", "inspect_data"})
PLACES = frozenset({"output_places", "run_directory", "run_lock"})

# A part is a room or a module at the top of the package. Each part may import itself and the parts named here; a part
# that is missing here has no place in the house yet. Only `api` imports commands, and only the package itself imports
# `api`, when what it offers is first used.
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(BASE, NOTHING),
    "settings": frozenset({"errors", "terminal"}),  # the command line prints what it refuses
    "output_places": frozenset({"errors"}),
    "run_lock": frozenset({"errors"}),
    "run_directory": frozenset({"errors", "settings", "atomic_files", "data", "run_lock"}),
    "drawn_vehicles": NOTHING,
    "images": BASE,
    "data": BASE | {"images", "drawn_vehicles"},
    "inspection": BASE | {"images", "data"},
    "model": BASE,
    "feature_bank": BASE | {"images", "data", "model"},
    "training": BASE | {"feature_bank", "data", "model"},
    "saved_model": BASE | {"images", "model"},
    "evaluation": BASE,
    "pipelines": BASE | ROOMS | {"run_directory"},
    **dict.fromkeys(COMMANDS, BASE | ROOMS | PLACES | {"pipelines"}),
    "api": BASE | ROOMS | PLACES | COMMANDS,
    "__main__": BASE,
    "": frozenset({"api"}),
}
# Importing one of these parts must not import one of these libraries, which take seconds: --help answers at once.
QUICK_PARTS = COMMANDS | BASE | PLACES | {"", "api", "__main__"}
SLOW_LIBRARIES = frozenset({"tensorflow", "keras", "tensorflow_datasets", "sklearn", "matplotlib"})
# Library -> the only parts that may import it.
RESERVED_LIBRARIES: Mapping[str, frozenset[str]] = {
    "absl": frozenset({"settings"}),
    # Reading a pickle runs whatever code is in it.
    **dict.fromkeys(("pickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve"), NOTHING),
}
# Argument -> the only value it may be given: the others run code that is stored in the file that is read.
SAFE_ARGUMENTS: Mapping[str, bool] = {"safe_mode": True, "allow_pickle": False}


def read_modules(*folders: str) -> dict[str, str]:
    """Dotted name -> source of every module below folders of the repository; a package bears its own name."""
    sources = {}
    for path in sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*.py")):
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text("utf-8")
    return sources


def part_of(module: str) -> str:
    """keras_transfer.data.splits -> data; the package itself -> ''."""
    return module.partition(".")[2].partition(".")[0]


def imported_names(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Dotted names that are imported: `from a import b` gives a.b, whether b is a module or not."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from (f"{start}.{alias.name}" for alias in node.names)


def nodes_run_on_import(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported: no function's body, nothing that stands there only for type checkers."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            yield from (deeper for other in child.orelse for deeper in (other, *nodes_run_on_import(other)))
            continue
        yield child
        yield from nodes_run_on_import(child)


def import_faults(sources: Mapping[str, str]) -> list[str]:
    """Imports between parts that `MAY_IMPORT` does not allow."""
    faults = []
    for module, source in sources.items():
        part = part_of(module)
        if part and part not in MAY_IMPORT:
            faults.append(f"{module}: no part {part!r} in MAY_IMPORT")
            continue
        for name in imported_names(ast.walk(ast.parse(source))):
            if name.startswith("."):
                faults.append(f"{module}: relative import of {name}")
            elif name.startswith(f"{PACKAGE}.") and not may_import(part, part_of(name)):
                faults.append(f"{module}: imports {name}")
    return faults


def may_import(part: str, other: str) -> bool:
    """Whether a part may import another; what is no part is a name of the package itself, such as its version."""
    return other == part or other not in MAY_IMPORT or other in MAY_IMPORT.get(part, NOTHING)


def library_faults(sources: Mapping[str, str]) -> list[str]:
    """Imports of libraries that are reserved for other parts, or for none."""
    return [
        f"{module}: imports {name}"
        for module, source in sources.items()
        for name in imported_names(ast.walk(ast.parse(source)))
        if part_of(module) not in RESERVED_LIBRARIES.get(name.partition(".")[0], {part_of(module)})
    ]


def argument_faults(sources: Mapping[str, str]) -> list[str]:
    """Arguments that are given anything but the one safe literal."""
    return [
        f"{module}:{node.value.lineno}: {ast.unparse(node)}"
        for module, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.keyword) and node.arg is not None and node.arg in SAFE_ARGUMENTS
        if not (isinstance(node.value, ast.Constant) and node.value.value is SAFE_ARGUMENTS[node.arg])
    ]


def slow_import_faults(sources: Mapping[str, str]) -> list[str]:
    """Slow libraries that importing a quick part imports, by whatever chain of modules."""
    return [
        f"{' -> '.join(chain)} -> {library}"
        for start in sources
        if part_of(start) in QUICK_PARTS
        for chain in import_chains(sources, start)
        for library in sorted(eager_imports(sources[chain[-1]]) & SLOW_LIBRARIES)
    ]


def import_chains(sources: Mapping[str, str], start: str) -> list[tuple[str, ...]]:
    """The shortest chain of imports from `start` to each module of the package that importing it imports."""
    chains: dict[str, tuple[str, ...]] = {start: (start,)}
    waiting = [start]
    for module in waiting:
        for other in sorted(eager_imports(sources[module]) & sources.keys() - chains.keys()):
            chains[other] = (*chains[module], other)
            waiting.append(other)
    return list(chains.values())


def eager_imports(source: str) -> set[str]:
    """Names that importing a module imports, with the packages above them, which are imported too."""
    found: set[str] = set()
    for name in imported_names(nodes_run_on_import(ast.parse(source))):
        steps = name.split(".")
        found.update(".".join(steps[:count]) for count in range(1, len(steps) + 1))
    return found


def circles(sources: Mapping[str, str]) -> list[str]:
    """A circle of modules that import each other, if there is any: late imports and those for type checkers count.

    The package itself is left out: whatever is imported from it imports it.
    """
    imports = {
        module: {name for name in _names_and_parents(source) if name in sources and name not in (module, PACKAGE)}
        for module, source in sources.items()
    }
    try:
        list(graphlib.TopologicalSorter(imports).static_order())
    except graphlib.CycleError as error:
        return [" <- ".join(error.args[1])]
    return []


def _names_and_parents(source: str) -> Iterator[str]:
    """What a module imports; of `from a.b import c` both a.b.c and a.b, whichever is a module."""
    for name in imported_names(ast.walk(ast.parse(source))):
        yield name
        yield name.rpartition(".")[0]


def undocumented(sources: Mapping[str, str]) -> list[str]:
    """Modules without a docstring."""
    return [module for module, source in sources.items() if not ast.get_docstring(ast.parse(source))]


def too_long(sources: Mapping[str, str]) -> list[str]:
    """Modules of more lines than one sitting takes in."""
    lengths = {module: len(source.splitlines()) for module, source in sources.items()}
    return [f"{module}: {lines} lines" for module, lines in lengths.items() if lines > LONGEST_FILE_LINES]


def untested(sources: Mapping[str, str], test_files: set[str]) -> list[str]:
    """Modules and packages of a room that have no test file of their name."""
    rooms = ROOMS - {"drawn_vehicles"}  # whose modules draw one picture together
    members = {module.split(".")[2] for module in sources if part_of(module) in rooms and module.count(".") > 1}
    return sorted(member for member in members if f"test_{member}.py" not in test_files)
