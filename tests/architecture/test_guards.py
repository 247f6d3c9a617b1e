"""The guards notice what they are there for: each is shown text that breaks its rule, and text that keeps it."""

from __future__ import annotations

import pytest

from tests.architecture import guards
from tests.architecture.guards import Source

BREACHES = [
    (guards.foreign_imports, "core/bad.py", "import jax"),
    (guards.foreign_imports, "core/bad.py", "import jax.numpy as jnp"),
    (guards.foreign_imports, "core/bad.py", "from torch import nn"),
    (guards.foreign_imports, "core/bad.py", "def f():\n    import optax"),
    (guards.foreign_imports, "core/bad.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"),
    (guards.foreign_imports, "core/bad.py", "try:\n    import jaxlib\nexcept ImportError:\n    pass"),
    (guards.foreign_imports, "core/bad.py", "import pytest"),
    (guards.foreign_imports, "core/bad.py", "import scipy"),
    (guards.backend_folders_imported, "core/bad.py", "from unimod.backends.jax import math"),
    (guards.backend_folders_imported, "core/bad.py", "from unimod.backends import torch"),
    (guards.backend_folders_imported, "core/bad.py", "from ..backends.numpy import ENGINE"),
    (guards.imports_by_string, "core/bad.py", 'import importlib\nimportlib.import_module("jax")'),
    (guards.imports_by_string, "core/bad.py", 'import_module(f"unimod.backends.{name}")'),
    (guards.imports_by_string, "core/bad.py", "importlib.import_module(name)"),
    (guards.imports_by_string, "core/bad.py", '__import__("torch")'),
    (guards.imports_by_string, "core/bad.py", 'exec("from torch import *")'),
    (guards.imports_by_string, "core/bad.py", 'torch = sys.modules["torch"]'),
    (guards.imports_by_string, "core/bad.py", 'torch = sys.modules.get("torch")'),
    (guards.eager_imports, "core/bad.py", "from rich.table import Table"),
    (guards.backend_imports, "backends/jax/bad.py", "import torch"),
    (guards.backend_imports, "backends/torch/bad.py", "def f():\n    import jax"),
    (guards.backend_imports, "backends/numpy/bad.py", "import torch"),
    (guards.backend_imports, "backends/torch/bad.py", "from unimod.backends.jax import math"),
    (guards.backend_imports, "backends/torch/bad.py", "from ..jax import math"),
    (guards.backend_imports, "backends/torch/bad.py", "from unimod.backends import jax"),
    (guards.backend_imports, "backends/jax/bad.py", "from unimod.core import tree"),
    (guards.backend_imports, "backends/jax/bad.py", "import unimod"),
    (guards.backend_imports, "backends/jax/bad.py", "from unimod import config"),
    (guards.backend_branches, "core/bad.py", 'if backend == "torch":\n    pass'),
    (guards.backend_branches, "core/bad.py", 'x = "jax" != backend'),
    (guards.backend_branches, "core/bad.py", 'x = backend in ("jax", "torch")'),
    (guards.backend_branches, "core/bad.py", "x = engine.name == name"),
    (guards.backend_branches, "core/bad.py", "x = self.engine.name is other"),
    (guards.backend_branches, "core/bad.py", 'match backend:\n    case "torch":\n        pass'),
    (guards.backend_branches, "core/bad.py", 'f = {"jax": 1, "torch": 2}[name]'),
    (guards.undocumented, "core/bad.py", "x = 1"),
    (guards.undocumented, "core/bad.py", '"""Text."""\ndef f(): ...'),
    (guards.undocumented, "core/bad.py", '"""Text."""\nclass A: ...'),
    (guards.machine_paths, "bad.md", "see /ho" + "me/me/data"),
    (guards.machine_paths, "bad.md", "`/wo" + "rk/x`"),
    (guards.machine_paths, "bad.md", 'open("/tm' + 'p/x")'),
]

FINE = [
    (
        guards.foreign_imports,
        "core/good.py",
        "import numpy as np\nimport tree\nfrom unimod import errors\nimport os.path",
    ),
    (guards.foreign_imports, "core/good.py", "from . import errors\nfrom .tree import walk"),
    (guards.foreign_imports, "testing/good.py", "import pytest\nimport hypothesis"),
    (guards.backend_folders_imported, "core/good.py", "from unimod.backends import _registry\nimport numpy"),
    (guards.imports_by_string, "good.py", 'importlib.import_module(f"unimod.nn.{name}")'),
    (guards.eager_imports, "core/good.py", "def show():\n    from rich.table import Table"),
    (guards.backend_imports, "backends/jax/good.py", "import jax.numpy\nimport optax\nimport math\nimport numpy"),
    (guards.backend_imports, "backends/torch/good.py", "from unimod.backends.torch import math\nfrom . import arrays"),
    (guards.backend_imports, "backends/numpy/good.py", "import ml_dtypes\nfrom unimod.errors import ShapeError"),
    (
        guards.backend_imports,
        "backends/jax/good.py",
        "from unimod.backends import _capabilities\nfrom unimod import dtypes",
    ),
    (guards.backend_branches, "core/good.py", "x = engine is other\ny = owner.name == HOST\nz = field.name == 'w'"),
    (guards.undocumented, "core/good.py", '"""Text."""\ndef f():\n    """Text."""\ndef _g(): ...'),
    (guards.machine_paths, "good.md", "https://example.org/home/x and docs/work/x and ./tmp/x and /usr/bin/env"),
]


@pytest.mark.parametrize(("guard", "name", "text"), BREACHES)
def test_a_breach_is_noticed(guard, name, text):
    assert len(guard(Source(name, text))) >= 1


@pytest.mark.parametrize(("guard", "name", "text"), FINE)
def test_what_is_allowed_passes(guard, name, text):
    assert guard(Source(name, text)) == []


def test_a_breach_says_where_it_is():
    assert guards.foreign_imports(Source("core/bad.py", "x = 1\nimport jax")) == ["core/bad.py:2 imports jax"]
