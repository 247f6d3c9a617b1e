"""Models written as graphs: nodes whose values feed others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from unimod import config
from unimod.core import mutability, walk
from unimod.core.initializer import Initializer
from unimod.core.module import Module
from unimod.errors import DTypeError, TreeError

_TUPLE = -1


class GraphNode:
    """A value of a graph. Made by :func:`input_node` and by the operators ``>>``, ``&`` and ``|`` of nodes.

    ``node >> fn`` is ``fn`` of the value; ``a & b`` is the tuple of two values; ``(a | b) >> fn`` is ``fn(a, b)``. Both
    chain: ``a & b & c`` has three parts.

    Attributes:
        parents: the nodes that it is made of.
        fn: the module or function that makes it; None for inputs and groups.
        value: what it is for the example inputs; None where there are none, or a layer has no values yet.
    """

    def __init__(self, parents: tuple[GraphNode, ...], fn: Any, value: Any) -> None:
        self.parents, self.fn, self.value = parents, fn, value

    def __rshift__(self, fn: Callable[..., Any]) -> GraphNode:
        if not callable(fn):
            raise DTypeError("A node of a graph goes into functions and modules.", got=repr(fn), expected="a callable")
        return GraphNode((self,), fn, _value(fn, (self.value,)))

    def __and__(self, other: GraphNode) -> Together:
        return Together(_parts(self, Together) + _parts(other, Together))

    def __or__(self, other: GraphNode) -> Arguments:
        return Arguments(_parts(self, Arguments) + _parts(other, Arguments))

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of the value; None where that is not known."""
        return tuple(self.value.shape) if config.is_array(self.value) else None

    @property
    def dtype(self) -> Any:
        """The dtype of the value; None where that is not known."""
        return config.dtype_of(self.value) if config.is_array(self.value) else None


class Together(GraphNode):
    """Several nodes as one tuple."""

    def __init__(self, parents: tuple[GraphNode, ...]) -> None:
        values = tuple(parent.value for parent in parents)
        super().__init__(parents, None, None if any(value is None for value in values) else values)


class Arguments(Together):
    """Several nodes as the arguments of one function."""

    def __rshift__(self, fn: Callable[..., Any]) -> GraphNode:
        return GraphNode(self.parents, fn, _value(fn, tuple(parent.value for parent in self.parents)))


def _parts(node: GraphNode, cls: type) -> tuple[GraphNode, ...]:
    if not isinstance(node, GraphNode):
        raise DTypeError("Nodes of a graph go together with nodes.", got=type(node).__name__, expected="a node")
    return node.parents if type(node) is cls else (node,)


def _value(fn: Any, values: tuple[Any, ...]) -> Any:
    if any(value is None for value in values):
        return None
    if not isinstance(fn, Module):
        return fn(*values)
    if any(isinstance(leaf, Initializer) for leaf in walk.flatten_node(fn)[0]):
        return None
    return mutability.call(fn, *values)[1]


def input_node(value: Any = None) -> GraphNode:
    """A node for an argument of a :class:`GraphModule`.

    Args:
        value: an example, from which the nodes made of it know their values and shapes.

    Example:
        >>> import unimod as um
        >>> x = um.input_node(um.numpy.ones((3, 2)))
        >>> (x >> um.nn.relu).shape, (x & x & x).parents == (x, x, x)
        ((3, 2), True)
    """
    return GraphNode((), None, value)


class GraphModule(Module):
    """The module of a graph from inputs to an output. A layer that is used twice is one layer.

    Args:
        inputs: the input nodes, in the order of the arguments.
        output: the node of the result.

    Raises:
        TreeError: the output depends on an input that is not among ``inputs``.

    Example:
        >>> import unimod as um
        >>> x = um.input_node()
        >>> y = x >> um.nn.Linear(None, 2) >> um.nn.relu
        >>> net = um.GraphModule([x], (x | y) >> um.numpy.add).init(0, um.numpy.ones((3, 2)))
        >>> net(um.numpy.ones((5, 2))).shape == (5, 2), list(net.state_dict())
        (True, ['layers.0.kernel', 'layers.0.bias'])
    """

    def __init__(self, inputs: Sequence[GraphNode], output: GraphNode) -> None:
        plan = _Plan(list(inputs))
        self.output = plan.place(output)
        self.layers = plan.layers
        self.steps = tuple(plan.steps)
        self.num_inputs = len(plan.inputs)

    def __call__(self, *xs: Any) -> Any:
        """The output for these inputs."""
        if len(xs) != self.num_inputs:
            raise DTypeError(
                "A graph was called with another number of inputs.", got=str(len(xs)), expected=str(self.num_inputs)
            )
        values = list(xs)
        for layer, places in self.steps:
            found = [values[place] for place in places]
            values.append(tuple(found) if layer == _TUPLE else self.layers[layer](*found))
        return values[self.output]


class _Plan:
    """One pass over a graph: its layers, and the order in which they are called. Values have places in one list."""

    def __init__(self, inputs: list[GraphNode]) -> None:
        self.inputs = inputs
        self.layers: list[Any] = []
        self.steps: list[tuple[int, tuple[int, ...]]] = []
        self.places = {id(node): place for place, node in enumerate(inputs)}
        self.known: dict[int, int] = {}

    def place(self, node: GraphNode) -> int:
        """Where the value of a node will be."""
        if id(node) in self.places:
            return self.places[id(node)]
        if not node.parents:
            raise TreeError(
                "The output of a graph depends on an input that it does not have.",
                got=f"an input node of shape {node.shape}",
                expected="one of the inputs",
                fix="pass the node in GraphModule(inputs, output)",
            )
        parents = tuple(self.place(parent) for parent in node.parents)
        self.steps.append((self._layer(node.fn), parents))
        found = self.places[id(node)] = len(self.inputs) + len(self.steps) - 1
        return found

    def _layer(self, fn: Any) -> int:
        if fn is None:
            return _TUPLE
        if id(fn) not in self.known:
            self.known[id(fn)] = len(self.layers)
            self.layers.append(fn)
        return self.known[id(fn)]


def build_graph_module(function: Callable[..., GraphNode]) -> Callable[..., GraphModule]:
    """A function of example inputs that gives the :class:`GraphModule` of a function of nodes.

    Args:
        function: what makes the output node of input nodes; their shapes are those of the examples.

    Example:
        >>> import unimod as um
        >>> @um.build_graph_module
        ... def residual(x):
        ...     return (x | x >> um.nn.Linear(x.shape[-1], x.shape[-1]) >> um.nn.relu) >> um.numpy.add
        >>> net = residual(um.numpy.ones((3, 8))).init(0)
        >>> net(um.numpy.ones((4, 8))).shape == (4, 8)
        True
    """

    def build(*examples: Any) -> GraphModule:
        inputs = [input_node(example) for example in examples]
        return GraphModule(inputs, function(*inputs))

    return build
