"""What may stand where: rules over source text, each a function that returns the breaches it found.

A breach is a line of text, ``file:line what``. The rules read syntax trees, so they also see what is imported inside
functions and under ``TYPE_CHECKING``, and they need no framework.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import pathlib
import re
import sys
from collections.abc import Iterable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "unimod"
BACKENDS = ("jax", "torch", "numpy")
FRAMEWORKS = frozenset({"jax", "jaxlib", "optax", "torch", "functorch", "flax", "equinox"})

FRONT_MAY_IMPORT = frozenset({"unimod", "numpy", "ml_dtypes", "tree"})
LAZY = frozenset({"rich", "matplotlib", "sklearn"})
"""Only for showing things and for data, so only inside the function that does so."""
TESTING = frozenset({"pytest", "hypothesis"})
"""Only in ``unimod.testing``."""

BACKEND_MAY_IMPORT = {
    "jax": frozenset({"jax", "jaxlib", "optax", "numpy", "ml_dtypes"}),
    "torch": frozenset({"torch", "numpy", "ml_dtypes"}),
    "numpy": frozenset({"numpy", "ml_dtypes"}),
}
LIBRARIES = {"jax": frozenset({"flax", "haiku"}), "torch": frozenset(), "numpy": frozenset()}
"""Libraries on a framework, only in the files that are about their modules; those are imported when one is met."""
SHARED_MODULES = ("unimod.errors", "unimod.dtypes")


@dataclasses.dataclass(frozen=True)
class Source:
    """A Python file: its name relative to the package, and its text."""

    name: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @property
    def package(self) -> str:
        """The dotted name of the package that the file is in, which relative imports start from."""
        return ".".join(("unimod", *pathlib.PurePosixPath(self.name).parts[:-1]))

    @property
    def backend(self) -> str | None:
        """The backend that the file belongs to, None in the front."""
        parts = pathlib.PurePosixPath(self.name).parts
        return parts[1] if parts[0] == "backends" and len(parts) > 2 else None

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 1)} {what}"


def package_sources() -> list[Source]:
    files = sorted(PACKAGE.rglob("*.py"))
    return [Source(path.relative_to(PACKAGE).as_posix(), path.read_text("utf-8")) for path in files]


def front_sources() -> list[Source]:
    """The files of the front: everything outside ``backends/``."""
    return [source for source in package_sources() if not source.name.startswith("backends/")]


def imported(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every module that an import statement names, ``from a import b`` as ``a.b``."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = origin(source, node)
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)


def origin(source: Source, node: ast.ImportFrom) -> str:
    """The absolute name of the module that ``node`` imports from."""
    if not node.level:
        return node.module or ""
    package = source.package.split(".")
    base = package[: len(package) - node.level + 1]
    return ".".join((*base, node.module) if node.module else base)


def root(module: str) -> str:
    return module.partition(".")[0]


def foreign_imports(source: Source) -> list[str]:
    """Rule 1: the front imports no framework, and nothing else that is not a requirement."""
    allowed = FRONT_MAY_IMPORT | LAZY | (TESTING if source.name.startswith("testing/") else frozenset())
    return [
        source.at(node, f"imports {module}")
        for node, module in imported(source)
        if root(module) not in allowed and root(module) not in sys.stdlib_module_names
    ]


def backend_folders_imported(source: Source) -> list[str]:
    """Rule 3: only the registry reaches into a backend's folder."""
    return [
        source.at(node, f"imports {module}")
        for node, module in imported(source)
        if module.startswith("unimod.backends.") and module.split(".")[2] in BACKENDS
    ]


def eager_imports(source: Source) -> list[str]:
    """What is only for showing things is not imported when the module is."""
    inside = {id(node) for function in functions(source.tree) for node in ast.walk(function)}
    return [
        source.at(node, f"imports {module} at the top")
        for node, module in imported(source)
        if root(module) in LAZY and id(node) not in inside
    ]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def imports_by_string(source: Source) -> list[str]:
    """Rule 3: no module is loaded by name, except one of unimod's own that stands there literally."""
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and called(node) in {"import_module", "__import__", "exec"}:
            name = literal_start(node.args[0]) if node.args else ""
            if called(node) == "exec" or not re.match(r"unimod\.(?!backends)", name):
                found.append(source.at(node, f"calls {called(node)}"))
        if root(looked_up(node)) in FRAMEWORKS:
            found.append(source.at(node, "looks a framework up in sys.modules"))
    return found


def called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def looked_up(node: ast.AST) -> str:
    """The module that ``sys.modules[...]`` or ``sys.modules.get(...)`` asks for."""
    if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("modules"):
        return literal_start(node.slice)
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("modules.get") and node.args:
        return literal_start(node.args[0])
    return ""


def literal_start(node: ast.AST) -> str:
    """The string that ``node`` is, or that its f-string begins with; empty where it is computed."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def backend_imports(source: Source) -> list[str]:
    """Rule 2: a backend imports its framework, numpy, and the shared modules; no other backend, none of the front."""
    backend = source.backend or ""
    own = (f"unimod.backends.{backend}", *SHARED_MODULES)
    is_about_libraries = source.name.rpartition("/")[2].startswith(("_foreign_", "_native_"))
    allowed = BACKEND_MAY_IMPORT[backend] | (LIBRARIES[backend] if is_about_libraries else frozenset())
    return [
        source.at(node, f"imports {module}")
        for node, module in imported(source)
        if not (
            root(module) in allowed
            or root(module) in sys.stdlib_module_names
            or any(module == name or module.startswith(f"{name}.") for name in own)
            or module.startswith("unimod.backends._")
        )
    ]


def backend_branches(source: Source) -> list[str]:
    """Rule 4: the front does not ask which engine it has, by comparing, by matching or by a table of names.

    The one name that it may know is ``HOST``: arrays of the host follow the others.
    """
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            if any(map(names_backend, operands)) or (any(map(is_name, operands)) and not any(map(is_host, operands))):
                found.append(source.at(node, f"compares: {ast.unparse(node)}"))
        elif isinstance(node, ast.MatchValue) and names_backend(node.value):
            found.append(source.at(node, f"matches: {ast.unparse(node)}"))
        elif isinstance(node, ast.Dict) and any(key is not None and names_backend(key) for key in node.keys):
            found.append(source.at(node, "has a table from names of backends"))
    return found


def names_backend(node: ast.AST) -> bool:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(map(names_backend, node.elts))
    return isinstance(node, ast.Constant) and node.value in BACKENDS


def is_name(node: ast.AST) -> bool:
    """Whether ``node`` is ``engine.name``, or the name of something else that is called an engine or a backend."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr in {"name", "NAME", "backend"}
        and bool(re.search(r"engine|backend|owner|found|facts|self\b|info", ast.unparse(node.value)))
    )


def is_host(node: ast.AST) -> bool:
    return ast.unparse(node) in {"HOST", "config.HOST"}


def undocumented(source: Source) -> list[str]:
    """Modules, and public classes and functions at the top of a module, without a docstring."""
    tree = source.tree
    public = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_") and not is_overload(node)
    ]
    found = [source.at(node, f"{node.name} has no docstring") for node in public if not ast.get_docstring(node)]
    return found if ast.get_docstring(tree) else [source.at(tree, "the module has no docstring"), *found]


def is_overload(node: ast.FunctionDef | ast.ClassDef) -> bool:
    return any(ast.unparse(decorator).endswith("overload") for decorator in node.decorator_list)


MACHINE_PATH = re.compile(r"(?<![\w.:/~$}])(?:/(?:home|root|work|tmp|mnt|Users)/\w|[A-Z]:\\\\?Users)")


def machine_paths(source: Source) -> list[str]:
    """Paths that exist on one machine only."""
    lines = source.text.splitlines()
    return [f"{source.name}:{i} {line.strip()}" for i, line in enumerate(lines, 1) if MACHINE_PATH.search(line)]


TEXT_FOLDERS = ("src", "tests", "examples", "benchmarks", "docs", "requirements", "scripts", ".ci", ".github")
TEXT_SUFFIXES = frozenset({".py", ".md", ".toml", ".txt", ".cfg", ".ini", ".yml", ".yaml", ".json", ".sh", ".html", ""})


def repository_texts() -> Iterable[Source]:
    """Every text file that belongs to the repository."""
    paths = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in TEXT_FOLDERS:
        inside = (path for path in (ROOT / folder).rglob("*") if path.is_file())
        paths += (path for path in inside if not is_cache(path.relative_to(ROOT / folder)))
    for path in sorted(paths):
        if path.suffix in TEXT_SUFFIXES:
            yield Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))


def is_cache(path: pathlib.PurePath) -> bool:
    """Whether a tool made the file: those folders are hidden, or ``__pycache__``."""
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)
