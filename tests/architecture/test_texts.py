"""Rules for every file: small, documented, and free of one machine's paths."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

import unimod
from tests.architecture import guards

MAX_LINES = 400
SOURCES = guards.package_sources()
DOCUMENTED = [source for source in SOURCES if source.backend is None or source.name.endswith("__init__.py")]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_file_is_short(source):
    assert len(source.text.splitlines()) < MAX_LINES


@pytest.mark.parametrize("source", DOCUMENTED, ids=lambda source: source.name)
def test_public_names_have_docstrings(source):
    assert guards.undocumented(source) == []


def module_name(source: guards.Source) -> str:
    parts = source.name.removesuffix(".py").split("/")
    return ".".join(["unimod", *(part for part in parts if part != "__init__")])


def undocumented_methods(cls: type) -> list[str]:
    """Public methods and properties that are documented neither here nor in a base class."""
    methods = [name for name, value in vars(cls).items() if not name.startswith("_") and is_method(value)]
    return [f"{cls.__qualname__}.{name}" for name in methods if not is_documented(cls, name)]


def is_documented(cls: type, name: str) -> bool:
    return any(getattr(vars(base).get(name), "__doc__", None) for base in cls.__mro__)


def is_method(value: object) -> bool:
    return inspect.isfunction(value) or isinstance(value, property | classmethod | staticmethod)


@pytest.mark.parametrize("source", guards.front_sources(), ids=lambda source: source.name)
def test_public_methods_have_docstrings(source):
    module = importlib.import_module(module_name(source))
    classes = [value for name, value in vars(module).items() if inspect.isclass(value) and not name.startswith("_")]
    own = [cls for cls in classes if cls.__module__ == module.__name__]
    assert [name for cls in own for name in undocumented_methods(cls)] == []


def test_a_method_without_text_is_noticed():
    class Base:
        def run(self):
            """Text."""

    class Derived(Base):
        def run(self): ...

        def stop(self): ...

        @property
        def size(self): ...

    assert [name.rpartition(".")[2] for name in undocumented_methods(Derived)] == ["stop", "size"]


def test_every_public_name_is_there_and_documented():
    names = [name for name in dir(unimod) if not name.startswith("_")]
    values = {name: getattr(unimod, name) for name in names}
    described = {name: value for name, value in values.items() if inspect.isroutine(value) or inspect.isclass(value)}
    assert "set_backend" in described
    assert [name for name, value in described.items() if not inspect.getdoc(value)] == []
    assert [name for name in getattr(unimod, "__all__", []) if not hasattr(unimod, name)] == []


def test_no_text_names_a_path_of_one_machine():
    texts = list(guards.repository_texts())
    assert {"README.md", "pyproject.toml", "src/unimod/config.py"} <= {text.name for text in texts}
    assert [breach for text in texts for breach in guards.machine_paths(text)] == []


def test_ci_runs_the_command_that_the_readme_gives():
    commands = re.findall(r"^```sh\n(python3 -m venv .*)\n```$", (guards.ROOT / "README.md").read_text("utf-8"), re.M)
    assert len(commands) == 2
    assert (guards.ROOT / ".ci" / "run").read_text("utf-8").splitlines()[-1] == commands[1]


def test_every_link_in_the_texts_leads_somewhere():
    pages = [*guards.ROOT.glob("*.md"), *(guards.ROOT / "docs").rglob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\((?!\w+:|#)([^)#]+)", page.read_text("utf-8"))]
    assert links
    assert [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()] == []
