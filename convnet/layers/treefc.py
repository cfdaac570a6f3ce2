"""Full connection whose classes share weights along a tree of labels."""

from convnet.language.schedule import Schedule
from convnet.layers.base import Kept, Shape, Table, Weight, register
from convnet.layers.tree import Tree
from convnet.layers.weighted import WeightLayer
from convnet.operations import bias, fc, treefc


@register("treefc")
class TreeFullyConnected(WeightLayer):
    """y[c] = sum over labels k from the root to c of W[k]·x + b[c]   (dialect, 3.9)

    One output for each class, that is, for each leaf of the data's tree of labels.  Weights:
    (labels, values of the input), an offset for each label; those of inner labels start as 0.  The
    gradient of an inner label is the sum of those below it, and its step, with z classes below,
    is inc = momW·inc + (epsW/z)·(-dE/dW / cases - (wc/z)·W).  The weights know no schedule, wball
    or superEps.
    """

    dialects = ("chm",)
    weight_source = None
    tree: Tree | None = None  # set by the builder

    def output_shape(self, inputs):
        if self.tree is None:
            raise self.wrong(
                "type",
                "treefc layers need the data's tree of labels, and there is none",
                None,
                "it stands in batches.meta, as `tree` with the root under `all_wnids`",
            )
        self.input_size = inputs[0].size
        return Shape(self.tree.classes)

    def check_inputs(self, nodes, classes):
        """The tree's leaves must be the data's classes."""
        if classes is not None and classes != self.tree.classes:
            raise self.wrong(
                "type", f"the tree has {self.tree.classes} leaves, the data {classes} classes"
            )

    def doubts(self, nodes):
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

    def check_learning(self):
        super().check_learning()
        self.rates_w = tuple(Schedule(base=rate.base) for rate in self.eps_w)

    def weights(self):
        shape = self.tree.size, self.input_size
        return [Weight(shape, (*shape, 1), self.init_w[0], drawn=self.tree.classes)]

    def biases(self):
        classes = self.tree.classes
        return Weight((classes,), (1, 1, classes), constant=self.init_b)

    def keeps(self):
        """The labels' own products W[k]·x; in backward their gradients."""
        return {"products": Kept((self.tree.size,))}

    def tables(self):
        return {
            "parents": Table(self.tree.size, self.tree.parents()),
            "order": Table(self.tree.size, self.tree.order),
            "leaves": Table(self.tree.size, self.tree.leaves()),
        }

    def moments(self, index):
        return () if index is not None else super().moments(index)

    def multiply_adds(self):
        return self.tree.size * self.input_size

    def backward_reads_output(self):
        return False

    def forward(self, ops, v):
        products = v.kept["products"].flat()
        fc.forward(ops, v.x[0].flat(), v.w[0], products, False)
        treefc.forward(ops, products, v.tables["parents"], v.y.flat())
        bias.forward(ops, v.b, v.y.flat())

    def backward(self, ops, v):
        dy, gradients = v.dy.flat(), v.kept["products"].flat()
        if v.dw[0] is not None or v.dx[0] is not None:
            treefc.backward(ops, dy, v.tables["parents"], v.tables["order"], gradients)
        if v.dw[0] is not None:
            fc.weights_grad(ops, v.x[0].flat(), gradients, v.dw[0], v.w_adds[0])
        if v.dx[0] is not None:
            fc.inputs_grad(ops, gradients, v.w[0], v.dx[0].flat(), v.adds[0])
        if v.db is not None:
            bias.grad(ops, dy, v.db, v.b_adds)

    def update(self, ops, index, p, tables):
        if index is None:
            super().update(ops, index, p, tables)
        else:
            arrays = p.value, p.gradient, p.velocity
            treefc.update(ops, *arrays, p.hyper, tables["leaves"])

    def constrain(self, ops, index, weight, value):
        """Nothing: these weights have no wball."""
