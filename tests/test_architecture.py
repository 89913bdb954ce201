"""Rules that hold for the whole package and that neither Ruff, mypy nor import-linter can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineageflow_jupyter import errors

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lineageflow_jupyter"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 800

HEAVY = ("IPython", "alembic", "numcodecs", "numpy", "pandas", "polars", "pyarrow", "sqlalchemy")
FORBIDDEN_IMPORTS = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_ATTRIBUTES = {"read_pickle", "to_pickle", "allow_pickle"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def loaded_after(statement: str) -> set[str]:
    """Top-level modules that a new process holds after `statement`."""
    program = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert loaded_after("import lineageflow_jupyter").isdisjoint(HEAVY)


@pytest.mark.parametrize("module", ["errors", "config", "model.objects", "model.records", "model.revisions"])
def test_values_need_no_third_party_data_library(module: str) -> None:
    heavy = set(HEAVY) - {"numpy"}
    assert loaded_after(f"import lineageflow_jupyter.{module}").isdisjoint(heavy)


def test_the_repository_starts_without_ipython_polars_and_migrations() -> None:
    loaded = loaded_after("import lineageflow_jupyter.repository")
    assert loaded.isdisjoint({"IPython", "alembic", "polars"})


def test_what_the_oldest_environment_need_not_repeat_works_without_frames_and_databases() -> None:
    found = re.search(r"^PURE := ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    paths = [ROOT / path for path in found[1].replace("\\\n", " ").split()]
    files = [file for path in paths for file in (path.rglob("test_*.py") if path.is_dir() else [path])]
    assert len(files) > len(paths)
    nodes = [node for file in files for node in ast.walk(parsed(file))]
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    loaded = loaded_after(f"import {', '.join(sorted(names))}")
    assert loaded.isdisjoint(set(HEAVY) - {"numpy"}), loaded & set(HEAVY)


def test_every_module_can_be_imported_first() -> None:
    """A circular import shows only when the wrong module comes first."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in MODULES
        # Alembic alone can import its environment and its migrations.
        if "migrations" not in path.parts
    ]
    program = "\n".join(
        [
            "import importlib, sys",
            f"for name in {names!r}:",
            "    for other in [other for other in sys.modules if other.partition('.')[0] == 'lineageflow_jupyter']:",
            "        del sys.modules[other]",
            "    importlib.import_module(name)",
        ]
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_every_module_says_what_it_is_for() -> None:
    assert [relative(path) for path in MODULES if not ast.get_docstring(parsed(path))] == []


def test_every_folder_of_modules_is_a_package() -> None:
    """import-linter overlooks folders without ``__init__.py``, although Python imports them."""
    # Alembic loads migrations by path.
    folders = {path.parent for path in MODULES if "migrations" not in path.parts}
    assert [relative(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_no_file_is_too_long_to_read() -> None:
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def code_running(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of what would run code out of stored bytes or text."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found = {alias.name.partition(".")[0] for alias in names} & FORBIDDEN_IMPORTS
            case ast.ImportFrom(module=str(module)):
                found = {module.partition(".")[0]} & FORBIDDEN_IMPORTS
            case ast.Call(func=ast.Name(id=name)):
                found = {name} & FORBIDDEN_CALLS
            case ast.Attribute(attr=name):
                found = {name} & FORBIDDEN_ATTRIBUTES
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=value)) if value is not False:
                found = {"allow_pickle"}
            case _:
                continue
        for name in found:
            yield getattr(node, "lineno", 0), name


def test_nothing_runs_code_from_what_is_stored() -> None:
    found = {relative(path): list(code_running(parsed(path))) for path in MODULES}
    assert {name: places for name, places in found.items() if places} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib.memory",
        "eval(text)",
        "def f():\n    return exec(text)",
        "pd.read_pickle(path)",
        "np.load(path, allow_pickle=True)",
    ],
)
def test_the_scan_sees_what_runs_code(source: str) -> None:
    assert list(code_running(ast.parse(source)))


@pytest.mark.parametrize(
    "source", ["re.compile(text)", "df.eval", "np.load(path, allow_pickle=False)", "shell.run_cell(text)"]
)
def test_the_scan_lets_pass_what_does_not(source: str) -> None:
    assert list(code_running(ast.parse(source))) == []


def error_classes(root: type[errors.LineageFlowError] = errors.LineageFlowError) -> list[type[errors.LineageFlowError]]:
    return [root, *(found for child in root.__subclasses__() for found in error_classes(child))]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = Counter(kind.__dict__.get("code") for kind in error_classes())
    assert None not in codes, [kind.__name__ for kind in error_classes() if "code" not in kind.__dict__]
    assert [code for code, count in codes.items() if count > 1] == []


def test_error_codes_are_kebab_case() -> None:
    assert [kind.code for kind in error_classes() if not re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)] == []


def test_all_errors_live_in_one_module_and_in_its_tree() -> None:
    assert {kind.__module__ for kind in error_classes()} == {"lineageflow_jupyter.errors"}
    drawn = errors.__doc__ or ""
    assert [kind.__name__ for kind in error_classes() if not re.search(rf"\b{kind.__name__}\b", drawn)] == []


def test_public_names_exist() -> None:
    import lineageflow_jupyter

    missing = [name for name in lineageflow_jupyter.__all__ if not hasattr(lineageflow_jupyter, name)]
    assert missing == []
    assert set(lineageflow_jupyter.__all__) <= set(dir(lineageflow_jupyter))


def requirement(line: str) -> tuple[str, str]:
    """Name and version of one requirement, and no marker."""
    found = re.match(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?(?:>=|==)([0-9][^,;\s]*)", line)
    assert found is not None, line
    return found[1].lower(), found[2]


def test_lower_bounds_are_the_versions_tested_in_the_oldest_environment() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    extras = [line for name in ("polars", "openlineage", "server") for line in optional[name]]
    promised = dict(map(requirement, [*project["dependencies"], *extras]))
    lines = (ROOT / "requirements" / "oldest.in").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if line and not line.startswith("#")]
    # Where a package has several lines, the one for the oldest Pythons counts.
    tested = dict(map(requirement, [line for line in pinned if ";" not in line or "<" in line]))
    assert promised == tested


def test_lists_of_requirements_name_no_index() -> None:
    """An address in a list would send everyone who installs to one machine's mirror."""
    named = [path.name for path in (ROOT / "requirements").iterdir() if "://" in path.read_text(encoding="utf-8")]
    assert named == []
