"""The tables of docs/coverage-keras.md: what they name exists, and where Keras is, each of its layers is in them."""

from __future__ import annotations

import importlib.util
import inspect

from tests.unit import tables

PAGE = (tables.DOCS / "coverage-keras.md").read_text()


def missing(keras):
    """The layers of the installed Keras that have no row."""
    found = {name: getattr(keras.layers, name) for name in dir(keras.layers) if not name.startswith("_")}
    layers = {name for name, value in found.items() if inspect.isclass(value) and issubclass(value, keras.Layer)}
    return sorted(layers - set(tables.names(PAGE)))


def test_what_is_named_exists():
    assert len(tables.rows(PAGE)) > 160
    assert tables.complaints(PAGE) == []


def test_no_layer_of_an_installed_keras_lacks_a_row():
    if importlib.util.find_spec("keras") is not None:
        import keras

        assert missing(keras) == []


def test_a_layer_without_a_row_is_noticed():
    class Keras:
        class Layer: ...

        class layers:
            class Other: ...

    Keras.layers.Unheard = type("Unheard", (Keras.Layer,), {})
    Keras.layers.Dense = type("Dense", (Keras.Layer,), {})
    assert missing(Keras) == ["Unheard"]
