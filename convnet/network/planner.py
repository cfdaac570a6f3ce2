"""From a graph to a plan: its layers placed on devices, their calls recorded as programs."""

from convnet.graph.build import Graph
from convnet.graph.place import place, rounds_of
from convnet.network.partitions import ONE_EACH, Partitioning
from convnet.network.plan import Plan
from convnet.network.programs import record_programs, record_test
from convnet.network.share_gradients import share_gradients


def make_plan(
    graph: Graph,
    minibatch: int,
    *,
    train_all: bool = False,
    input_gradients: bool = False,
    update_every: int = 1,
    only_tests: bool = False,
    partitioning: Partitioning = ONE_EACH,
) -> Plan:
    """Plan a graph.

    train_all: gradients of all parameters, also of those with rate 0.  input_gradients: gradients
    with respect to the data too, in the devices' copies of the data layers.  update_every:
    minibatches whose gradients are summed for one update.  only_tests: plan no gradients, and of
    the programs `load` and `test` alone.  partitioning: how replicas share the updates.
    """
    plan = Plan(graph, place(graph), minibatch, rounds_of(graph))
    if only_tests:
        record_test(plan)
    else:
        record_programs(plan, train_all, input_gradients, update_every, partitioning)
        share_gradients(plan)
    return plan
