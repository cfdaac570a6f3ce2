"""Full connection whose classes share weights along a tree of labels."""

from collections.abc import Mapping, Sequence

from convnet.language.schedule import Schedule
from convnet.layers.base import (
    ArrayView,
    Layer,
    Recorder,
    Saved,
    Shape,
    Table,
    UpdateArrays,
    Values,
    Weight,
    register,
)
from convnet.layers.tree import Tree
from convnet.layers.weighted import WeightLayer
from convnet.operations import bias, fc, treefc


@register("treefc")
class TreeFullyConnected(WeightLayer):
    """y[c] = sum over labels k from the root to c of W[k]·x + b[c]   (docs/dialect.md, 3.9)

    One output for each class, that is, for each leaf of the data's tree of labels.  Weights:
    (labels, values of the input), a row for each label; those of inner labels start as 0.  The
    gradient of an inner label is the sum of those below it, and its step, with z classes below,
    is inc = momW·inc + (epsW/z)·(-dE/dW / cases - (wc/z)·W).  Schedules, wball and superEps have no
    effect on the weights.
    """

    dialects = ("chm",)
    dropped_fields = ("weight_source",)
    tree: Tree

    def prepare(self) -> None:
        super().prepare()
        if self.facts.tree is None:
            raise self.wrong(
                "type",
                "treefc layers need the data's tree of labels, and there is none",
                None,
                "it is in batches.meta, as `tree` with the root under `all_wnids`",
            )
        self.tree, classes = self.facts.tree, self.facts.classes
        if classes is not None and classes != self.tree.classes:
            raise self.wrong(
                "type", f"the tree has {self.tree.classes} leaves, the data {classes} classes"
            )

    def output_shape(self) -> Shape:
        return Shape(self.tree.classes)

    @property
    def input_size(self) -> int:
        """Values of the input."""
        return self.input_shapes[0].size

    def warnings(self, below: Sequence[Layer]) -> list[tuple[str, str, str]]:
        """Keys without effect here."""
        given = {
            "sched_w": self.sched_w.kind != "const" or self.eps_w[0].kind != "const",
            "wball": any(self.wball),
            "super_eps": self.super_eps,
        }
        return [
            (name, f"{self.name}: {self.fields[name].key} has no effect on weights of a tree", "")
            for name, on in given.items()
            if on
        ]

    def join_schedules(self) -> None:
        super().join_schedules()
        self.rates_w = tuple(Schedule(base=rate.base) for rate in self.eps_w)

    def weights(self) -> list[Weight]:
        shape = self.tree.size, self.input_size
        return [Weight(shape, (*shape, 1), self.init_w[0], drawn=self.tree.classes)]

    def biases(self) -> Weight:
        classes = self.tree.classes
        return Weight((classes,), (1, 1, classes), constant=self.init_b)

    def saved_for_backward(self) -> dict[str, Saved]:
        """The labels' own products W[k]·x; in backward their gradients."""
        return {"products": Saved((self.tree.size,))}

    def tables(self) -> dict[str, Table]:
        return {
            "parents": Table(self.tree.size, self.tree.parents()),
            "order": Table(self.tree.size, self.tree.order),
            "leaves": Table(self.tree.size, self.tree.leaves()),
        }

    def moments(self, index: int | None) -> tuple[str, ...]:
        return () if index is not None else super().moments(index)

    def updates_elementwise(self, index: int | None) -> bool:
        """Each row of the weights has a rate of its own."""
        return index is None

    def multiply_adds(self) -> int:
        return self.tree.size * self.input_size

    def backward_reads_output(self) -> bool:
        return False

    def forward(self, ops: Recorder, v: Values) -> None:
        products = v.saved["products"].flat()
        fc.forward(ops, v.x[0].flat(), v.w[0], products, False)
        treefc.forward(ops, products, v.tables["parents"], v.y.flat())
        bias.forward(ops, v.b, v.y.flat())

    def backward(self, ops: Recorder, v: Values) -> None:
        dy, gradients = v.dy.flat(), v.saved["products"].flat()
        if v.dw[0] is not None or v.dx[0] is not None:
            treefc.backward(ops, dy, v.tables["parents"], v.tables["order"], gradients)
        if v.dw[0] is not None:
            fc.weights_grad(ops, v.x[0].flat(), gradients, v.dw[0], v.w_adds[0])
        if v.dx[0] is not None:
            fc.inputs_grad(ops, gradients, v.w[0], v.dx[0].flat(), v.adds[0])
        if v.db is not None:
            bias.grad(ops, dy, v.db, v.b_adds)

    def update(
        self, ops: Recorder, index: int | None, p: UpdateArrays, tables: Mapping[str, ArrayView]
    ) -> None:
        if index is None:
            super().update(ops, index, p, tables)
        else:
            arrays = p.value, p.gradient, p.velocity
            treefc.update(ops, *arrays, p.hyper, tables["leaves"])

    def constrain(self, ops: Recorder, index: int, weight: Weight, value: ArrayView) -> None:
        """Nothing: these weights have no wball."""
