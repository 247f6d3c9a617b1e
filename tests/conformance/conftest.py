"""The suite that the package ships, on the engines that this repository tests."""

from __future__ import annotations

import pytest

from unimod.testing import plugin

SLOW_PATHS = (
    # Said by torch about its own speed; results are not concerned.
    "ignore:There is a performance drop:UserWarning",
    "ignore:torch.searchsorted.*non-contiguous:UserWarning",
)


def pytest_configure(config):
    """Use the plugin also where the package was not installed, and with the engines of this run."""
    if not config.pluginmanager.is_registered(plugin):
        config.pluginmanager.register(plugin, "unimod")
    if config.getoption("unimod_engines", default=None) is None:
        config.stash[plugin.ENGINES_KEY] = tuple(config.getoption("--test-engines").split(","))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        if "case" not in params or "unimod_check" not in item.fixturenames:
            continue
        for text in SLOW_PATHS:
            item.add_marker(pytest.mark.filterwarnings(text))
