"""Files of thousands of mistakes are told about in a bounded time: the first, and how many more."""

from time import process_time

import pytest

from convnet.errors import SpecError
from convnet.graph.build import build
from convnet.language import Problems, Source, parse

HEAD = "[data]\ntype=data\ndataIdx=0\nchannels=1\nimgSize=8\n"
WRONG = {
    "inputs": "[layer{0}]\ntype=fc\ninputs=layerr{0}x\noutputs=3\ninitW=1\n",
    "types": "[layer{0}]\ntype=fcc{0}\ninputs=data\n",
    "keys": "[layer{0}]\ntype=fc\ninputs=data\noutputz=3\ninitW=1\n",
    "sources": "[layer{0}]\ntype=fc\ninputs=data\noutputs=3\ninitW=1\nweightSource=lay{0}\n",
    "children": "[layer{0}]\ntype=cost.sum2\ninputs=data\nchildren=lay{0}\n",
    "references": "[layer{0}]\ntype=fc\ninputs=data\noutputs=%(outs)s\n",
}


@pytest.mark.parametrize("section", WRONG.values(), ids=WRONG)
def test_thousands_of_mistakes_are_told_soon(section):
    source = Source.from_text(HEAD + "".join(section.format(i) for i in range(4000)), "x.cfg")
    start, problems = process_time(), Problems()
    with pytest.raises(SpecError) as caught:
        build(parse(source, problems), None, problems)
    assert process_time() - start < 10
    assert len(caught.value.problems) == 101
    assert str(caught.value).splitlines()[-1].startswith("and ")


def test_items_of_a_long_value_are_split_in_linear_time():
    source = Source.from_text("[a]\nb=" + "1," * 30_000 + "1\n", "x.cfg")
    value = parse(source, Problems()).sections[0].entries["b"].value
    start = process_time()
    assert len(value.items()) == 30_001 and value.items()[-1].span.column == 60_003
    assert process_time() - start < 8
