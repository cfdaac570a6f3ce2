"""Steps on the same memory made one: a product with its biases and neuron, a slope with sums.

A peephole over recorded steps, which knows no engine.  The last product of a layer, `bias.forward`
and an in-place `neuron.forward` become one `forward_fused`, so that an engine may finish numbers
while they are at hand; an in-place `neuron.backward` with the `bias.grad` below it becomes one
`neuron.backward_fused`.
"""

from dataclasses import replace

from convnet.network.record import Step

PRODUCTS = ("conv.forward", "local.forward", "fc.forward", "sfc.forward")
_OUTPUT = 2  # the place of y among a product's arguments


def fuse(steps: list[Step]) -> list[Step]:
    """The same work in fewer steps, each at the place of the first that went into it."""
    fused: list[Step] = []
    for step in steps:
        rule = _RULES.get(step.operation)
        if rule is None or not rule(fused, step):
            fused.append(step)
    return fused


def _fuse_biases(steps, step) -> bool:
    biases, y = step.arguments
    place = _latest(steps, step, y)
    if place is None or steps[place].operation not in PRODUCTS:
        return False
    product = steps[place]
    target = product.arguments[_OUTPUT]
    of_rows = product.operation == "local.forward" or biases.size == target.dims[0]
    if not (of_rows and y.same_memory(target)):
        return False
    arguments = *product.arguments, biases, "ident", 0.0, 0.0
    operation = f"{product.operation}_fused"
    steps[place] = replace(product, operation=operation, arguments=arguments)
    return True


def _fuse_neuron(steps, step) -> bool:
    x, y, *neuron = step.arguments
    place = _latest(steps, step, y)
    if place is None or not steps[place].operation.endswith(".forward_fused"):
        return False
    product = steps[place]
    target, kind = product.arguments[_OUTPUT], product.arguments[-3]
    if not (kind == "ident" and x.same_memory(y) and y.same_memory(target)):
        return False
    steps[place] = replace(product, arguments=(*product.arguments[:-3], *neuron))
    return True


def _fuse_sums(steps, step) -> bool:
    """The steps between are of the layer with the biases, which only reads its dy."""
    dy, db, adds = step.arguments
    place = _latest(steps, step, dy, skip=step.layer)
    if place is None or steps[place].operation != "neuron.backward":
        return False
    slope = steps[place]
    *arrays, kind, a, b, accumulate = slope.arguments
    if accumulate or not all(view.same_memory(dy) for view in arrays[2:]):
        return False
    rows = [replace(view, dims=dy.dims, tail=dy.tail) for view in arrays]
    arguments = *rows, kind, a, b, db, adds
    steps[place] = replace(slope, operation="neuron.backward_fused", arguments=arguments)
    return True


_RULES = {
    "bias.forward": _fuse_biases,
    "neuron.forward": _fuse_neuron,
    "bias.grad": _fuse_sums,
}


def _latest(steps, step, view, skip=None) -> int | None:
    """The last of `steps` that touched a view's buffer, if it belongs to the same pass.

    skip: a layer whose steps are not looked at.
    """
    for place in range(len(steps) - 1, -1, -1):
        other = steps[place]
        if other.layer != skip and any(seen.buffer is view.buffer for seen in other.views()):
            return place if _turn(other) == _turn(step) else None
    return None


def _turn(step):
    return step.phase, step.number, step.microbatch
