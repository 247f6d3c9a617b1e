"""The backends are built alike: the same files, and in them every function that the protocol names."""

from __future__ import annotations

import functools
import importlib
import inspect
import re

from tests.architecture import guards, protocol
from unimod.backends import _optional, _registry
from unimod.numpy import _defaults
from unimod.testing import sabotage

STUBS: dict[str, frozenset[str]] = {
    "jax": frozenset(),
    "torch": frozenset(),
    "numpy": frozenset(),
}
"""What an engine does not define yet, as ``module.function``. It may only shrink: what has been written must go."""


def files(backend: str) -> set[str]:
    """The public files of a backend. A private file may stand beside them: it is the backend's own business."""
    folder = guards.PACKAGE / "backends" / backend
    return {path.name for path in folder.glob("*.py") if not path.name.startswith("_") or path.name == "__init__.py"}


def test_the_backends_have_the_same_files():
    assert files("jax") == files("torch") == files("numpy")
    assert files("jax") >= {f"{module}.py" for module in protocol.modules()} | {"__init__.py"}


def missing(backend: str) -> set[str]:
    engine = _registry.load(backend)
    return {
        f"{module}.{name}"
        for module, name in protocol.required()
        if not callable(getattr(getattr(engine, module), name, None))
    }


def test_an_engine_defines_what_the_protocol_names(any_backend):
    assert sorted(missing(any_backend) - STUBS[any_backend]) == []


def test_no_stub_is_listed_that_has_been_written(any_backend):
    assert sorted(STUBS[any_backend] - missing(any_backend)) == []


def undeclared(backend: str) -> set[str]:
    """Functions of the namespace's modules that neither the protocol nor the list of optional functions names."""
    required = set(protocol.required())
    return {
        f"{module}.{name}"
        for module, optional in _optional.ALL.items()
        for name in sabotage.public(getattr(_registry.load(backend), module))
        if (module, name) not in required and name not in optional
    }


def test_an_engine_has_only_functions_that_are_declared(any_backend):
    assert sorted(undeclared(any_backend)) == []


def test_what_is_optional_is_there_somewhere_and_nowhere_required(tested_engines):
    for module, optional in _optional.ALL.items():
        assert {name for where, name in protocol.required() if where == module} & optional == set()
        engines = [getattr(_registry.load(name), module) for name in tested_engines]
        assert sorted(name for name in optional if not any(hasattr(engine, name) for engine in engines)) == []


def test_an_engine_can_be_called_as_the_protocol_says(any_backend):
    engine = _registry.load(any_backend)
    wrong = [
        f"{module}.{name}{signature}"
        for module, asked in protocol.modules().items()
        for name, signature in protocol.methods(asked).items()
        if hasattr(getattr(engine, module), name)
        if not protocol.takes(getattr(getattr(engine, module), name), signature)
    ]
    assert wrong == []


def test_an_engine_states_its_facts(any_backend):
    facts = _registry.load(any_backend).facts
    assert any_backend == facts.NAME
    assert isinstance(facts.CAPABILITIES, frozenset)
    assert all(isinstance(reason, str) and reason for reason in facts.DIVERGENCES.values())


def test_the_protocol_is_read_in_full():
    required = set(protocol.required())
    assert {("math", name) for name in ("exp", "digamma", "sum", "less", "matmul", "nextafter")} <= required
    assert {("arrays", "concat"), ("random", "bits"), ("compile", "jit"), ("optim", "apply_updates")} <= required
    assert not {("math", "correction"), ("math", "x"), ("math", "__getattr__")} & required


TO_TRAIN = frozenset({"autodiff", "compile", "control", "inspect", "optim", "parallel"})
"""The modules of an engine that nobody needs who only calls models."""


def counted() -> dict[str, list[str]]:
    """The functions that an engine must have, by its modules."""
    return {module: [name for where, name in protocol.required() if where == module] for module in protocol.modules()}


def test_an_engine_is_small():
    sizes = {module: len(names) for module, names in counted().items()}
    assert sum(size for module, size in sizes.items() if module not in TO_TRAIN) <= 60
    assert sum(size for module, size in sizes.items() if module in TO_TRAIN) <= 13
    assert sizes["math"] > 20
    assert sizes["autodiff"] == 2


def test_the_table_of_required_functions_is_that_of_the_protocols():
    text = (guards.ROOT / "docs" / "backends.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+ \| .*) \|$", text, re.MULTILINE))
    expected = {
        module: f"{len(names)} | {' '.join(f'`{name}`' for name in names) or 'none'}"
        for module, names in counted().items()
    }
    assert rows == expected


def test_methods_that_may_be_left_out_are_listed():
    for module, asked in protocol.modules().items():
        assert protocol.optional(asked) <= _optional.ALL.get(module, frozenset())


def test_what_completes_an_engine_is_there():
    for file, (module, names) in _defaults.ON_DEMAND.items():
        found = importlib.import_module(f"unimod.{file}")
        assert set(names.split()) <= _optional.ALL[module]
        assert [name for name in names.split() if not inspect.isfunction(getattr(found, name, None))] == []


def test_what_completes_an_engine_can_be_called_as_the_protocol_says():
    for file, (module, names) in _defaults.ON_DEMAND.items():
        asked = protocol.methods(protocol.modules()[module])
        for name in set(names.split()) & set(asked):
            function = getattr(importlib.import_module(f"unimod.{file}"), name)
            assert protocol.takes(functools.partial(function, None), asked[name]), f"{file}.{name}"


def test_a_function_of_another_signature_is_noticed():
    def asked(x, axis, *, epsilon, dtype=None): ...

    def fine(x, axis=None, *, epsilon=0.0, dtype=None): ...

    def wrong_keyword(x, axis, *, eps, dtype=None): ...

    def too_few(x, *, epsilon, dtype=None): ...

    def too_many(x, axis, dtype, *, epsilon): ...

    signature = inspect.signature(asked)
    assert protocol.takes(fine, signature)
    assert not any(protocol.takes(bad, signature) for bad in (wrong_keyword, too_few, too_many))
