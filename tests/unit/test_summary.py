"""Summaries of modules: what is counted, how it is shown, and that nothing is left behind."""

from __future__ import annotations

import collections
import json
import sys
import threading

import numpy as np
import pytest

import unimod as um
from unimod.core import init, record


@pytest.fixture(autouse=True)
def _numpy(monkeypatch):
    monkeypatch.setenv("UNIMOD_BACKEND", "numpy")


def cells(table: str) -> list[list[str]]:
    """The cells of the first lines of rows and of the total."""
    head, *lines = table.split("\n\n")[0].split("\n")
    starts = [0, *(i for i in range(2, len(head)) if head[i - 2 : i] == "  " and head[i] != " ")]
    ends = [*starts[1:], None]
    return [
        [line[a:b].strip() for a, b in zip(starts, ends, strict=True)] for line in lines if not line.startswith("-")
    ]


def below(table: str) -> str:
    return table.split("\n\n")[1]


class Mixed(um.Module):
    def __init__(self):
        self.first = um.nn.Linear(2, 3).init(0)
        self.norm = [um.nn.BatchNorm(3).init(0).freeze()]
        self.again = self.first
        self.scale = um.Parameter(np.ones((), np.float16))
        self.steps = np.zeros((), np.int64)


MIXED = """\
path    module     parameters  bytes  notes
-------------------------------------------------------
(root)  Mixed               1     10
first   Linear              9     36
norm.0  BatchNorm           6     48  frozen
again   Linear              0      0  shared with first
-------------------------------------------------------
total                      16     94

trainable  10 parameters  38 bytes
frozen      6 parameters  24 bytes
State       1 numbers      8 bytes
BatchStat   6 numbers     24 bytes"""


def test_every_leaf_is_counted_once():
    assert Mixed().summary() == MIXED
    assert str(um.summarize(Mixed())) == MIXED


def test_a_column_for_each_kind():
    table = Mixed().tabulate()
    assert table == um.summarize(Mixed()).tabulate()
    assert table.split("\n")[0].split() == ["path", "module", "Parameter", "State", "BatchStat", "notes"]
    assert table.split("\n")[2:4] == [
        "(root)  Mixed      scale: f16[]       steps: i64[]",
        "                   1 (2 bytes)        1 (8 bytes)",
    ]
    lines = [line.split("  ") for line in table.split("\n")]
    assert ["norm.0", "BatchNorm", "scale: f32[3]", "mean: f32[3]", "frozen"] in [list(filter(None, x)) for x in lines]
    assert cells(table)[-1] == ["total", "", "16 (62 bytes)", "1 (8 bytes)", "6 (24 bytes)", ""]


def test_chosen_kinds_take_what_fits_them_first():
    head = Mixed().tabulate(kinds=(um.BatchStat, um.State)).split("\n")[0]
    assert head.split() == ["path", "module", "BatchStat", "State", "notes"]
    assert cells(Mixed().tabulate(kinds=(um.BatchStat, um.State)))[-1][2:4] == ["6 (24 bytes)", "1 (8 bytes)"]
    assert "7 (32 bytes)" in Mixed().tabulate(kinds=[um.State])
    assert Mixed().tabulate(kinds=um.State) == Mixed().tabulate(kinds=[um.State])


def test_depth_takes_what_is_below_together():
    net = um.nn.Sequential(um.nn.Sequential(um.nn.Linear(2, 3), um.nn.BatchNorm(3)), um.nn.Linear(3, 1)).init(0)
    whole = [[*row[:3]] for row in cells(net.summary(depth=1))]
    assert whole == [
        ["(root)", "Sequential", "0"],
        ["layers.0", "Sequential", "15"],
        ["layers.1", "Linear", "4"],
        ["total", "", "19"],
    ]
    assert [row[0] for row in cells(net.summary(depth=0))] == ["(root)", "total"]
    assert net.summary(depth=2) == net.summary(depth=9) == net.summary()
    assert "kernel" not in net.tabulate(depth=0)
    assert "19 (76 bytes)" in net.tabulate(depth=0)


def test_numbers_are_aligned_and_have_separators():
    lines = um.nn.Linear(1000, 1000).init(0).summary().split("\n")
    assert lines[0].endswith("     bytes")
    assert len({len(line) for line in lines[:5]}) == 1
    assert lines[2].endswith("1,001,000  4,004,000")


def test_a_width_folds_cells():
    table = Mixed().tabulate(width=60)
    assert max(map(len, table.split("\n"))) <= 60
    assert "BatchNor" in table
    words = "".join(Mixed().tabulate(width=40).split())
    assert all(word in words for word in ("kernel", "BatchStat", "steps"))
    assert Mixed().tabulate(width=1000) == Mixed().tabulate()


def test_a_module_without_leaves():
    assert cells(um.nn.Identity().summary())[-1] == ["total", "", "0", "0"]
    assert um.nn.Identity().tabulate().split("\n")[0] == "path    module"


def test_leaves_without_values():
    table = um.nn.Sequential(um.nn.Linear(2, 3), um.nn.Linear(None, 2)).summary()
    assert cells(table)[1:] == [
        ["layers.0", "Linear", "9", "36", ""],
        ["layers.1", "Linear", "2", "8", "size unknown"],
        ["total", "", "11", "44", ""],
    ]
    assert below(table).endswith("without values yet: 4 leaves, 1 of unknown size are not counted")
    assert "kernel: f32[?]" in um.nn.Linear(None, 2).tabulate()


class Values(um.Module):
    def __init__(self):
        self.tree = {"b": np.ones(2, np.float32), "a": (np.ones(3, np.int32), um.random.key(0))}
        self.number = um.Parameter(2.0)
        self.name = um.Parameter("x")
        self.cache = um.Cache(np.ones((1, 2), bool))


def test_plain_trees_inside_of_modules():
    leaves = {leaf.name: leaf for leaf in um.summarize(Values()).leaves}
    assert list(leaves) == ["tree.a.0", "tree.a.1", "tree.b", "number", "name", "cache"]
    assert [(leaf.size, leaf.nbytes) for leaf in leaves.values()] == [(3, 12), (2, 8), (2, 8), (1, 4), (0, 0), (2, 2)]
    assert list(map(str, leaves.values()))[3:] == ["number: f32[]", "name: str", "cache: bool[1, 2]"]
    assert "tree.a.1: u32[2]" in Values().tabulate()


def test_modules_in_plain_trees():
    shared = um.nn.Linear(2, 2).init(0)
    found = um.summarize(collections.OrderedDict(b=shared, a=[um.nn.Sequential(shared, shared), np.ones(3)], n=None))
    assert [(m.path, m.class_name, m.shared_with) for m in found] == [
        ("", "OrderedDict", None),
        ("b", "Linear", None),
        ("a.0", "Sequential", None),
        ("a.0.layers.0", "Linear", None),
        ("a.0.layers.1", "Linear", "a.0.layers.0"),
    ]
    assert found.totals == {"trainable": (12, 48), "frozen": (0, 0), "leaf": (3, 24)}


def test_a_summary_of_a_selection():
    assert um.summarize(Mixed().parameters()).totals == {"trainable": (10, 38), "frozen": (0, 0)}


def test_tied_leaves_are_counted_once():
    class Tied(um.Module):
        def __init__(self):
            self.a, self.b = um.nn.Linear(2, 2), um.nn.Linear(2, 2)
            self.b.kernel = self.a.share("kernel")

    tied = Tied().init(0)
    assert cells(tied.summary())[2] == ["b", "Linear", "2", "8", "kernel shared with a.kernel"]
    assert "kernel: a.kernel" in tied.tabulate()
    assert um.summarize(tied).num_parameters == 8


def test_a_summary_is_data():
    found = um.summarize(um.nn.MLP([None, 4, 1]), np.ones((2, 3), np.float32))
    again = json.loads(json.dumps(found.as_dict()))
    assert again["children"][0]["leaves"][0] == {
        "path": "layers.0.kernel",
        "name": "kernel",
        "kind": "Parameter",
        "shape": [3, 4],
        "dtype": "float32",
        "size": 12,
        "nbytes": 48,
        "trainable": True,
        "initialized": False,
        "shared_with": None,
    }
    assert again["children"][1]["signatures"] == [["f32[2, 4]", "f32[2, 1]"]]
    assert (found.num_parameters, found.nbytes, found.calls) == (21, 84, 1)
    assert len(found.all_leaves) == 4
    assert str(found.children[0]).startswith("path      module  inputs")


class Odd(um.Module):
    """Calls of many forms."""

    def __init__(self):
        self.layer = um.nn.Linear(2, 2).init(0)
        self.other = um.nn.Identity()
        self.holder = Values()

    def __call__(self, *args, **kwargs):
        for n in (1, 2, 2, 3, 4, 5):
            self.layer(np.ones((n, 2), np.float32))
        pair = collections.namedtuple("Pair", "left right")
        return pair(self.other(args), [self.layer, 0.5, len, list(range(9)), "s"])


def test_calls_of_many_forms():
    x = np.ones(3, np.float32)
    found = um.summarize(Odd(), x, (x,), [x, None], kwargs={"a": {"x": x}, "b": None, "c": True, "d": 1.5})
    ((given, got),) = found.signatures
    assert given == "f32[3], (f32[3],), [f32[3], None], a={'x': f32[3]}, c=True, d=float"
    assert got == ("Pair(left=(f32[3], (f32[3],), [f32[3], None]), right=[Linear, float, len, ... 5 in all])")
    layer, other, holder = found.children
    assert layer.calls == 6
    assert layer.signatures == tuple((f"f32[{n}, 2]", f"f32[{n}, 2]") for n in (1, 2, 3, 4, 5))
    assert (other.calls, holder.calls) == (1, None)
    shown = [line.strip() for line in found.summary().split("\n")]
    assert shown[4].split() == ["f32[2,", "2]", "f32[2,", "2]"]
    assert shown[6].split() == ["...", "..."]
    assert "6 calls" in shown[3]


def test_super_is_one_call():
    class Loud(um.nn.Linear):
        def __call__(self, x):
            return super().__call__(x) + 1

    assert um.summarize(Loud(2, 2), np.ones((1, 2), np.float32)).calls == 1


def test_no_signature():
    net, x = um.nn.MLP([3, 4, 1]), np.ones((2, 3), np.float32)
    assert "inputs" in net.tabulate(x)
    assert net.tabulate(x, signature=False).split("\n")[0].split() == ["path", "module", "Parameter"]


@pytest.mark.parametrize("key", [3, um.random.key(3, backend="numpy")])
def test_a_key_for_new_values(key):
    class Drawn(um.Module):
        def __init__(self):
            self.w = um.Initializer(lambda key: um.random.uniform(key, (2, 3)))

        def __call__(self, x):
            seen.append(self.w.tolist())
            return x

    seen = []
    (leaf,) = um.summarize(Drawn(), np.ones(1, np.float32), key=key).leaves
    assert (leaf.shape, leaf.initialized) == ((2, 3), False)
    assert seen == [Drawn().init(3).w.tolist()]


def test_what_cannot_be_called():
    class Holder(um.Module):
        def __init__(self):
            self.x = np.ones(2)

    with pytest.raises(um.DTypeError, match="A Holder cannot be called"):
        Holder().summary(np.ones(2))
    with pytest.raises(um.DTypeError, match="A dict cannot be called"):
        um.summarize({"a": um.nn.Identity()}, np.ones(2))
    with pytest.raises(um.TreeError, match="A module or a container is needed here"):
        um.summarize(np.ones(2))


@pytest.mark.parametrize("options", [{"depth": -1}, {"depth": "1"}, {"width": 39}, {"width": 80.0}])
def test_options_that_do_not_fit(options):
    with pytest.raises(um.OptionError, match=next(iter(options))):
        Mixed().summary(**options)
    with pytest.raises(um.OptionError, match=next(iter(options))):
        Mixed().tabulate(**options)


def test_kinds_that_are_no_kinds():
    with pytest.raises(um.OptionError, match="`kinds` are classes"):
        Mixed().tabulate(kinds=["Parameter"])


class Failing(um.Module):
    def __init__(self):
        self.layer, self.count = um.nn.Linear(2, 2).init(0), np.zeros(())

    def __call__(self, x):
        self.count += 1
        self.layer(x)
        raise KeyError("mine")


def test_nothing_is_left_after_an_error():
    model = Failing()
    with pytest.raises(KeyError, match="mine"):
        model.summary(np.ones((1, 2), np.float32))
    assert init.state.active is None
    assert float(model.count) == 0
    assert um.nn.Linear(2, 2).init(0)(np.ones((1, 2), np.float32)).shape == (1, 2)


def test_the_error_is_that_of_a_call():
    net, x = um.nn.Sequential(um.nn.Linear(3, 4)).init(0), np.ones((2, 5), np.float32)
    with pytest.raises(um.ShapeError) as plain:
        net(x)
    with pytest.raises(um.ShapeError) as summarized:
        net.summary(x)
    assert str(summarized.value) == str(plain.value)


def test_a_call_is_recorded_in_its_own_thread_only():
    inside, done = threading.Event(), threading.Event()

    class Slow(um.Module):
        def __init__(self):
            self.layer = LAYER

        def __call__(self, x):
            inside.set()
            done.wait(10)
            return self.layer(x)

    x, found = np.ones((1, 2), np.float32), []
    thread = threading.Thread(target=lambda: found.append(um.summarize(Slow(), x)))
    thread.start()
    assert inside.wait(10)
    assert init.state.active is None
    LAYER(x)
    done.set()
    thread.join()
    assert found[0].children[0].calls == 1


LAYER = um.nn.Linear(2, 2).init(0, backend="numpy")


def test_a_summary_inside_of_a_call():
    class Curious(um.Module):
        def __init__(self):
            self.layer = LAYER

        def __call__(self, x):
            self.layer(x)
            texts.append(self.layer.summary(x))
            return self.layer(x)

    texts = []
    found = um.summarize(Curious(), np.ones((1, 2), np.float32))
    assert found.children[0].calls == 2
    assert set(texts) == {LAYER.summary(np.ones((1, 2), np.float32))}


def test_no_call_is_wrapped_while_nobody_records():
    assert init.state.active is None
    assert not isinstance(init.state.active, record.Recording)


def test_print_summary_prints_every_row(capsys):
    Mixed().print_summary()
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("first", "norm.0", "(root)", "total", "94", "trainable", "Mixed"))


def test_print_summary_without_rich(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    x = np.ones((1, 2), np.float32)
    LAYER.print_summary(x, depth=0)
    assert capsys.readouterr().out == LAYER.summary(x, depth=0) + "\n"
