"""The table of cases: one row for each configuration of each layer type."""

from convnet.layers import Tree
from tests.support.rows import Row

CONV = "type=conv inputs=x channels=4 filters=6 filterSize=3"
LOCAL = "type=local inputs=x channels=4 filters=4 filterSize=3"
TWICE = "type=conv inputs=x,x channels=4,4 filters=6,6 filterSize=3,5 padding=0,1"
MIXED = "type=conv inputs=x,x2 channels=4,2 filters=6,3 filterSize=3,5 padding=0,2 stride=1,2"
OVERSAMPLED = "groups=4 filters=2 filterChannels=2 randSparse=1"
TREE = Tree({6: (0, 1), 7: (2, 6, 3), 8: (7, 4, 5)}, 8)
TREEFC = "y type=treefc inputs=x"
POOL = "type=pool inputs=x channels=4 sizeX=3 stride=2"
CMR = "type=cmrnorm inputs=x channels=8"
RNORM = "type=rnorm inputs=x channels=3"
CNORM = "type=cnorm inputs=x channels=3"
NEURON = "type=neuron inputs=x"
SOFTMAX = "p type=softmax inputs=x\n"
LOGISTIC = "l type=neuron inputs=x neuron=logistic\n"
LARGE = "pow=0.75 minDiv=1.5"  # the norms' terms are large too where scale/window is 0.5
BLUR, NAILBED = "type=blur inputs=x channels=4", "type=nailbed inputs=x channels=4"
HREF, RESIZE = "type=href inputs=x channels=3", "type=resize inputs=x channels=4"
RSCALE = "type=rscale inputs=x channels=4 maxScale=1.5"
CMPOOL = "type=cmpool inputs=x channels=8 pool=max"
SFC = "type=sfc outputs=3 parts=2"
FIXED = {"differences": False}  # no backward pass
EIGHT, THREE, FLAT, SIX = ((8, 2, 2),), ((3, 5, 5),), ((7,),), ((6,),)
PAIR = ((4, 3, 3), (4, 3, 3))
A, B = "a type=fc inputs=x outputs=4\n", "b type=fc inputs=x outputs=3\n"

CASES = [
    Row("data: whole", "y type=eltsum inputs=x"),
    Row("data: rows 20 to 69", "part type=data dataIdx=0 start=20 end=70\n"
        "y type=concat inputs=part,x", cases=7),  # fmt: skip
    # -- weights
    Row("conv", f"y {CONV}"),
    Row("conv: padding", f"y {CONV} padding=2"),
    Row("conv: one case", f"y {CONV} padding=1", cases=1),
    Row("conv: 7 cases", f"y {CONV} padding=1", cases=7),
    Row("conv: 33 cases", f"y {CONV}", shapes=((4, 4, 4),), cases=33),
    Row("conv: neuron", f"y {CONV} neuron=tanh[1.7,0.6]"),
    Row("conv: neurons of two images", f"y {MIXED} groups=1,2 neuron=softrelu\n"
        "z type=neuron inputs=y neuron=logistic", shapes=((4, 5, 5), (2, 5, 5)),
        cases=33),  # fmt: skip
    Row("conv: groups", f"y {CONV} padding=1 groups=2"),
    Row("conv: four groups", "y type=conv inputs=x channels=4 filters=2 filterSize=2 groups=4"),
    Row("conv: overhang", f"y {CONV} stride=2", shapes=((4, 6, 6),)),
    Row("conv: overhang past padding", f"y {CONV} stride=3 padding=1", shapes=((4, 6, 6),)),
    Row("conv: one by one", "y type=conv inputs=x channels=4 filters=5 filterSize=1"),
    Row("conv: whole image", "y type=conv inputs=x channels=4 filters=5 filterSize=5"),
    Row("conv: one channel", f"y {CONV} channels=1", shapes=((1, 5, 5),)),
    Row("conv: modulesX", f"y {CONV} padding=1 stride=2 modulesX=4"),
    Row("conv: unshared biases", f"y {CONV} stride=2 sharedBiases=false"),
    Row("conv: two images", f"y {MIXED} groups=1,2", shapes=((4, 5, 5), (2, 5, 5)), cases=3),
    Row("conv: one image twice", f"y {TWICE}"),
    Row("conv: shared weights", f"y {CONV}\nz {CONV} weightSource=y\ns type=eltsum inputs=y,z"),
    Row("conv: own weights again", f"y {TWICE} filterSize=3,3 padding=0,0 weightSource=,y[0]"),
    Row(
        "conv: first layer of the paper",
        "y type=conv inputs=x channels=3 filters=4 filterSize=11 stride=4",
        shapes=((3, 19, 19),),
        cases=3,
    ),
    Row("conv: on conv", f"y {CONV} neuron=tanh\nz {CONV} inputs=y channels=6 padding=1"),
    Row("conv: randSparse", f"y {CONV} groups=2 randSparse=1"),
    Row("conv: randSparse, channels in several groups", f"y {CONV} {OVERSAMPLED}", cases=7),
    Row("conv: randSparse of one input", f"y {MIXED} groups=1,2 randSparse=false,true",
        shapes=((4, 5, 5), (2, 5, 5)), cases=33),  # fmt: skip
    Row("conv: randSparse, shared", f"y {CONV} {OVERSAMPLED}\n"
        f"z {CONV} {OVERSAMPLED} weightSource=y\ns type=eltsum inputs=y,z", cases=1),  # fmt: skip
    Row("conv: randSparse above a conv", f"c {CONV}\ny {CONV} inputs=c channels=6 groups=6 "
        "filters=1 filterChannels=3 randSparse=1 padding=1\nz type=fc inputs=c,y outputs=2"),
    Row("local: randSparse", f"y {LOCAL} groups=2 randSparse=1 stride=2"),
    Row("local: randSparse, channels in several groups", f"y {LOCAL} {OVERSAMPLED}", cases=33),
    Row("local", f"y {LOCAL} stride=2"),
    Row("local: neuron", f"y {LOCAL} stride=2 neuron=logistic", cases=7),
    Row("local: padding", f"y {LOCAL} padding=1 stride=2", shapes=((4, 4, 4),)),
    Row("local: groups", f"y {LOCAL} groups=2"),
    Row("local: overhang", f"y {LOCAL} stride=2", shapes=((4, 4, 4),), cases=33),
    Row("local: one case", f"y {LOCAL} stride=2", cases=1),
    Row("local: two inputs", f"y {LOCAL} inputs=x,x2", shapes=((4, 4, 4), (4, 4, 4)), cases=3),
    Row("fc", "y type=fc inputs=x outputs=5"),
    Row("fc: neuron", "y type=fc inputs=x,x2 outputs=5 neuron=tanh", shapes=((7,), (4, 2, 2))),
    Row("fc: neuron, not in place", "y type=fc inputs=x outputs=5 neuron=square"),
    Row("fc: one case", "y type=fc inputs=x outputs=5", cases=1),
    Row("fc: 33 cases", "y type=fc inputs=x outputs=1", cases=33),
    Row("fc: two inputs", "y type=fc inputs=x,x2 outputs=5", shapes=((7,), (4, 2, 2))),
    Row("fc: three inputs", "y type=fc inputs=x,x2,x outputs=5", shapes=((7,), (3,))),
    Row("fc: shared", A + "b type=fc inputs=a outputs=4\nc type=fc inputs=b outputs=4 "
        "weightSource=b\n", cases=7),  # fmt: skip
    # -- windows
    Row("pool: max", f"y {POOL} pool=max", values="apart"),
    Row("pool: max, ties", f"y {POOL} pool=max", values="tied", differences=False),
    Row("pool: max, overhang", f"y {POOL} pool=max", shapes=((4, 6, 6),), values="apart"),
    Row("pool: max, start", f"y {POOL} pool=max start=-1", values="apart", cases=7),
    Row("pool: max, later start", f"y {POOL} pool=max start=1", values="apart", cases=1),
    Row("pool: max, outputsX", f"y {POOL} pool=max outputsX=1", values="apart"),
    Row("pool: max, windows side by side", f"y {POOL} pool=max sizeX=2", values="apart"),
    Row("pool: max, dense", f"y {POOL} pool=max stride=1 start=-1", values="apart", cases=33),
    Row("pool: max, above a conv", f"c {CONV}\ny {POOL} inputs=c channels=6 pool=max"),
    Row("pool: rand as max", f"y {POOL} pool=rand", "y doMax=true", values="apart"),
    Row("pool: rand", f"y {POOL} pool=rand", values="positive"),
    Row("pool: rand, overhang", f"y {POOL} pool=rand start=-1", shapes=((4, 6, 6),),
        values="positive", cases=7),  # fmt: skip
    Row("pool: rand, both signs", f"y {POOL} pool=rand doMax=false", values="apart", cases=33),
    Row("pool: rand, zeros", f"y {POOL} pool=rand", values="tied", differences=False),
    Row("pool: avg", f"y {POOL} pool=avg"),
    Row("pool: avg, overhang", f"y {POOL} pool=avg", shapes=((4, 6, 6),), cases=33),
    Row("pool: avg, start", f"y {POOL} pool=avg start=-2"),
    Row("pool: avg, one map", f"y {POOL} pool=avg channels=1", shapes=((1, 5, 5),)),
    Row("pool: sum", f"y {POOL} pool=avg sum=true start=-1", shapes=((4, 6, 6),)),
    Row("pool: maxabs", f"y {POOL} pool=maxabs", values="apart"),
    Row("pool: maxabs, ties", f"y {POOL} pool=maxabs", values="tied", differences=False),
    Row("pool: maxabs, overhang", f"y {POOL} pool=maxabs start=-1", values="apart", cases=7),
    Row("cmrnorm: odd", f"y {CMR} size=5", f"y scale=2.5 {LARGE}", EIGHT),
    Row("cmrnorm: even", f"y {CMR} size=4", f"y scale=2.0 {LARGE}", EIGHT, cases=7),
    Row("cmrnorm: blocked", f"y {CMR} size=3 blocked=true", f"y scale=1.5 {LARGE}", EIGHT),
    Row("cmrnorm: wide", f"y {CMR} size=7", f"y scale=3.5 {LARGE}", EIGHT, cases=33),
    Row("cmrnorm: all maps", f"y {CMR} size=8", f"y scale=4.0 {LARGE}", EIGHT),
    Row("cmrnorm: one pixel", f"y {CMR} size=2", f"y scale=1.0 {LARGE}", ((8,),), cases=1),
    Row("cmrnorm: pow 1", f"y {CMR} size=3", "y scale=1.5 pow=1 minDiv=2", EIGHT),
    Row("cmrnorm: pow 0.6", f"y {CMR} size=3", "y scale=1.5 pow=0.6", EIGHT),
    Row("cmrnorm: in a net", f"c {CONV} neuron=relu\ny {CMR} inputs=c channels=6 size=5",
        f"y scale=2.5 {LARGE}"),  # fmt: skip
    Row("rnorm: odd", f"y {RNORM} size=3", f"y scale=4.5 {LARGE}", THREE),
    Row("rnorm: even", f"y {RNORM} size=4", f"y scale=8 {LARGE}", THREE, cases=7),
    Row("rnorm: whole map", f"y {RNORM} size=5", f"y scale=12.5 {LARGE}", THREE, cases=1),
    Row("rnorm: one map", f"y {RNORM} channels=1 size=2", f"y scale=2 {LARGE}", ((1, 4, 4),)),
    Row("cnorm: odd", f"y {CNORM} size=3", f"y scale=4.5 {LARGE}", THREE, differences=False),
    Row("cnorm: even", f"y {CNORM} size=4", f"y scale=8 {LARGE}", THREE, 7, differences=False),
    Row("cnorm: one case", f"y {CNORM} size=5", f"y scale=9 {LARGE}", THREE, 1, differences=False),
    # -- neurons
    Row("ident", f"y {NEURON} neuron=ident", shapes=FLAT),
    Row("relu", f"y {NEURON} neuron=relu", shapes=FLAT, values="apart"),
    Row("relu: at zero", f"y {NEURON} neuron=relu", values="tied", differences=False),
    Row("brelu", f"y {NEURON} neuron=brelu[0.8]", shapes=FLAT, values="apart"),
    Row("brelu: at a", f"y {NEURON} neuron=brelu[2]", values="tied", differences=False),
    Row("drelu", f"y {NEURON} neuron=drelu[0.7]", shapes=FLAT),
    Row("softrelu", f"y {NEURON} neuron=softrelu", values="wide", cases=1),
    Row("logistic", f"y {NEURON} neuron=logistic", values="wide"),
    Row("tanh", f"y {NEURON} neuron=tanh[1.79,-0.66]", shapes=FLAT),
    Row("abs", f"y {NEURON} neuron=abs", shapes=FLAT, values="apart"),
    Row("abs: at zero", f"y {NEURON} neuron=abs", values="tied", differences=False),
    Row("square", f"y {NEURON} neuron=square", shapes=FLAT),
    Row("sqrt", f"y {NEURON} neuron=sqrt", shapes=FLAT, values="positive"),
    Row("linear", f"y {NEURON} neuron=linear[3,2.2]", shapes=FLAT),
    Row("log", f"y {NEURON} neuron=log[0.4]", shapes=FLAT, values="positive"),
    Row("neuron: 33 cases", f"y {NEURON} neuron=relu", cases=33, values="apart"),
    Row("neuron: on every layer", "y type=eltsum inputs=x neuron=logistic", shapes=FLAT),
    Row("neuron: of a read layer", f"{A}y type=neuron inputs=a neuron=relu\nz type=eltsum "
        "inputs=a,y"),  # fmt: skip
    Row("neuron: on a neuron", f"{A}y type=neuron inputs=a neuron=relu\nz type=neuron inputs=y "
        "neuron=tanh"),  # fmt: skip
    Row("neuron: on a max pool", f"c {CONV}\ny {POOL} inputs=c channels=6 pool=max neuron=relu"),
    # -- dropout, as in a test
    Row("hs", "y type=hs inputs=x keep=0.3", "y enable=true"),
    Row("hs: disabled", "y type=hs inputs=x keep=0.3", "y enable=false"),
    Row("dropout2", "y type=dropout2 inputs=x", "y enable=true keep=0.7", cases=7),
    Row("dropout", "y type=dropout inputs=x", "y keep=0.3", cases=1),
    Row("dropout: the key", "y type=fc inputs=x outputs=5 neuron=tanh", "y dropout=0.4"),
    # -- joining
    Row("softmax", "y type=softmax inputs=x", shapes=FLAT),
    Row("softmax: 33 cases", "y type=softmax inputs=x", values="wide", shapes=FLAT, cases=33),
    Row("softmax: large values", "s type=eltsum inputs=x coeffs=20\ny type=softmax inputs=s", "",
        FLAT, values="wide", differences=False, tolerance=1e-3),  # fmt: skip  # e ** (120 +- 4e-6)
    Row("softmax: one case", "y type=softmax inputs=x", shapes=((1,),), cases=1),
    Row("eltsum", "y type=eltsum inputs=x,x2 coeffs=0.5,-2", "y coeffs=0.5,-2", PAIR),
    Row("eltsum: in params", "y type=eltsum inputs=x,x2", "y coeffs=0.5,-2", PAIR),
    Row("eltsum: one twice", "y type=eltsum inputs=x,x,x2 coeffs=1,0.5,-2", shapes=PAIR),
    Row("eltmax", "y type=eltmax inputs=x,x2", shapes=PAIR, values="apart"),
    Row("eltmax: three", "y type=eltmax inputs=x,x2,x3", shapes=PAIR + PAIR[:1], values="apart"),
    Row("eltmax: ties", "y type=eltmax inputs=x,x2,x", "", PAIR, values="tied", differences=False),
    Row("concat", "y type=concat inputs=x,x2", shapes=((4, 3, 3), (2, 3, 3))),
    Row("concat: one twice", "y type=concat inputs=x,x2,x", shapes=((5,), (4, 2, 2)), cases=1),
    Row("pass", f"{A}{B}y type=pass inputs=a,b"),
    Row("pass: neurons below", A.strip() + " neuron=relu\n" + B.strip() +
        " neuron=tanh\ny type=pass inputs=a,b"),  # fmt: skip
    Row("pass: of data", "y type=pass inputs=x,x2", shapes=((5,), (4, 2, 2))),
    Row("pass: one twice", f"{A}{B}y type=pass inputs=a,b,a", cases=7),
    Row("pass: a second reader", f"{A}{B}y type=pass inputs=a,b\nz type=fc inputs=y,a outputs=2"),
    Row("pass: two over one", f"{A}{B}y type=pass inputs=a,b\nz type=pass inputs=b,a\n"
        "s type=eltsum inputs=y,z"),  # fmt: skip
    Row("pass: in a pass", f"{A}{B}y type=pass inputs=a,b\nz type=pass inputs=y,a"),
    Row("pass: neuron above", f"{A}{B}y type=pass inputs=a,b neuron=relu\n"
        "z type=fc inputs=y,a outputs=2"),  # fmt: skip
    Row("pass: neuron above a max pool", f"c {CONV}\nm {POOL} inputs=c channels=6 pool=max\n"
        "y type=pass inputs=m neuron=tanh"),  # fmt: skip
    # -- images
    Row("blur", f"y {BLUR} filterSize=3 stdev=0.8"),
    Row("blur: 7 cases", f"y {BLUR} filterSize=5 stdev=4", cases=7),
    Row("blur: 9 x 9", f"y {BLUR} channels=1 filterSize=9 stdev=2", shapes=((1, 10, 10),), cases=1),
    Row("blur: narrow", f"y {BLUR} filterSize=5 stdev=1e-9", cases=33),
    Row("blur: of a conv", f"c {CONV}\ny {BLUR} inputs=c channels=6 filterSize=3 stdev=2"),
    Row("nailbed", f"y {NAILBED} stride=2"),
    Row("nailbed: to the edge", f"y {NAILBED} stride=2", shapes=((4, 6, 6),), cases=7),
    Row("nailbed: off the middle", f"y {NAILBED} stride=4", shapes=((4, 7, 7),), cases=33),
    Row("nailbed: all", f"y {NAILBED} stride=1", cases=1),
    Row("nailbed: one pixel", f"y {NAILBED} stride=9"),
    Row("nailbed: of a blur", f"b {BLUR} filterSize=5 stdev=2\ny {NAILBED} inputs=b stride=3"),
    Row("nailbed: a second reader", f"c {CONV}\ny {NAILBED} inputs=c channels=6 stride=2\n"
        "z type=fc inputs=y,c outputs=2"),  # fmt: skip
    Row("nailbed: a later reader", f"c {CONV}\nf type=fc inputs=c outputs=2\n"
        f"y {NAILBED} inputs=c channels=6 stride=2\nz type=fc inputs=y,f outputs=2"),  # fmt: skip
    Row("href", f"y {HREF}", shapes=THREE),
    Row("href: even side", f"y {HREF} channels=1", shapes=((1, 4, 4),), cases=7),
    Row("href: beside itself", f"y {HREF}\nz type=eltsum inputs=y,x coeffs=2,0.5", "", THREE),
    Row("href: of a conv", f"c {CONV} filters=3\ny {HREF} inputs=c\nz type=fc inputs=y,c outputs=2",
        cases=33),  # fmt: skip
    Row("crop", "y type=crop inputs=x channels=4 startX=1 sizeX=3", **FIXED),
    Row("crop: startY", "y type=crop inputs=x channels=4 startX=2 startY=0 sizeX=3", **FIXED),
    Row("crop: to the border", "y type=crop inputs=x channels=4 startX=0 startY=1 sizeX=4",
        cases=33, **FIXED),  # fmt: skip
    Row("resize: smaller", f"y {RESIZE} scale=1.3", shapes=((4, 7, 7),), **FIXED),
    Row("resize: larger", f"y {RESIZE} scale=0.6", cases=7, **FIXED),
    Row("resize: half", f"y {RESIZE} scale=2", cases=33, **FIXED),
    Row("resize: double", f"y {RESIZE} scale=0.5", cases=1, **FIXED),
    Row("resize: same", f"y {RESIZE} scale=1", **FIXED),
    Row("resize: one pixel", f"y {RESIZE} scale=0.7", shapes=((4, 1, 1),), **FIXED),
    Row("resize: weights above", f"r {RESIZE} scale=0.8\ny {CONV} inputs=r", **FIXED),
    Row("rscale: tested small", f"y {RSCALE} tgtSize=4", shapes=((4, 7, 7),), **FIXED),
    Row("rscale: tested", f"y {RSCALE} tgtSize=5", shapes=((4, 6, 6),), cases=7, **FIXED),
    Row("rscale: of one", f"y {RSCALE} maxScale=1 tgtSize=5", **FIXED),
    Row("rscale: 2012 source", f"y {RSCALE} tgtSize=6 gpu=0", shapes=((4, 9, 9),), **FIXED),
    Row("rscale: cuda-convnet 1", f"y {RSCALE}\nc {CONV} inputs=y partialSum=1",
        shapes=((4, 7, 7),), **FIXED),  # fmt: skip
    Row("rgb2yuv", "y type=rgb2yuv inputs=x", shapes=THREE, **FIXED),
    Row("rgb2yuv: flat", "y type=rgb2yuv inputs=x", shapes=((6,),), cases=33, **FIXED),
    Row("rgb2lab", "y type=rgb2lab inputs=x", shapes=THREE, values="positive", **FIXED),
    Row("rgb2lab: center", "y type=rgb2lab inputs=x center=true", shapes=THREE, cases=7, **FIXED),
    # -- groups of values and maps
    Row("sum", "y type=sum inputs=x stride=5"),
    Row("sum: of one", "y type=sum inputs=x", shapes=FLAT, cases=7),
    Row("sum: of all", "y type=sum inputs=x stride=7", shapes=FLAT, cases=33),
    Row("sum: above a conv", f"c {CONV}\ny type=sum inputs=c stride=6\nz type=fc inputs=y,c "
        "outputs=2", cases=1),  # fmt: skip
    Row("cmpool", f"y {CMPOOL} size=3 stride=2", shapes=EIGHT, values="apart"),
    Row("cmpool: start", f"y {CMPOOL} size=4 stride=3 start=-2 outputs=3", "", EIGHT, 33, "apart"),
    Row("cmpool: side by side", f"y {CMPOOL} size=4 stride=4", "", EIGHT, 7, "apart"),
    Row("cmpool: dense", f"y {CMPOOL} size=2 stride=1", "", EIGHT, 1, "apart"),
    Row("cmpool: ties", f"y {CMPOOL} size=3 stride=1", "", EIGHT, values="tied",
        differences=False),  # fmt: skip
    Row("cmpool: all maps", f"c {CONV}\ny {CMPOOL} inputs=c channels=6 size=6 stride=1"),
    Row("treefc", TREEFC, tree=TREE),
    Row("treefc: 33 cases", TREEFC, shapes=FLAT, cases=33, tree=TREE),
    Row("treefc: one case", TREEFC, cases=1, tree=TREE),
    Row("treefc: no inner labels", TREEFC, cases=7, tree=Tree({3: (0, 1, 2)}, 3)),
    Row("treefc: a chain", TREEFC, tree=Tree({5: (3, 0), 3: (1, 4), 4: (2,)}, 5)),
    Row("treefc: in a net", f"{A}y type=treefc inputs=a neuron=tanh\n"
        "z type=fc inputs=y,a outputs=3", tree=TREE),  # fmt: skip
    Row("treefc: costed", "c type=treefc inputs=x\np type=softmax inputs=c\n"
        "y type=cost.logreg inputs=labels,p", tree=TREE),  # fmt: skip
    Row("sfc", "y type=sfc inputs=x outputs=2 parts=3", shapes=((6,),)),
    Row("sfc: one part", "y type=sfc inputs=x outputs=4 parts=1", shapes=FLAT, cases=33),
    Row("sfc: single values", "y type=sfc inputs=x outputs=2 parts=7", shapes=FLAT, cases=1),
    Row("sfc: two inputs", "y type=sfc inputs=x,x2 outputs=3 parts=2", "", ((6,), (4, 2, 2)), 7),
    Row("sfc: one twice", f"{A}y type=sfc inputs=a,a outputs=3 parts=2 neuron=tanh\n"
        "z type=fc inputs=a,y outputs=2"),  # fmt: skip
    Row("sfc: shared", f"a {SFC} inputs=x\nb {SFC} inputs=a\nc {SFC} inputs=b weightSource=b"),
    # -- costs
    Row("sum2", "y type=cost.sum2 inputs=x"),
    Row("sum2: on a neuron", f"{A}t type=neuron inputs=a neuron=tanh\ny type=cost.sum2 inputs=t"),
    Row("logreg: fused", f"{SOFTMAX}y type=cost.logreg inputs=labels,p", shapes=((6,),)),
    Row("logreg: topk", f"{SOFTMAX}y type=cost.logreg inputs=labels,p", "y topk=5", ((6,),), 33),
    Row("logreg: ties", f"{SOFTMAX}y type=cost.logreg inputs=labels,p", "y topk=2", ((6,),), 33,
        values="tied"),  # fmt: skip
    Row("logreg: one case", f"{SOFTMAX}y type=cost.logreg inputs=labels,p", "", ((6,),), 1),
    Row("logreg: not fused", f"{SOFTMAX}z type=cost.sum2 inputs=p\n"
        "y type=cost.logreg inputs=labels,p", "y topk=3", ((6,),), 7),  # fmt: skip
    Row("logreg: two of them", f"{SOFTMAX}z type=cost.logreg inputs=labels,p\n"
        "y type=cost.logreg inputs=labels,p", "z topk=2", ((6,),)),  # fmt: skip
    Row("logreg: of an fc", "f type=fc inputs=x outputs=6\np type=softmax inputs=f\n"
        "y type=cost.logreg inputs=labels,p", cases=7),  # fmt: skip
    Row("logreg: coeff 0", f"{SOFTMAX}z type=cost.logreg inputs=labels,p\n"
        "y type=cost.sum2 inputs=p", "z coeff=0", ((6,),)),  # fmt: skip
    Row("crossent: fused", f"{SOFTMAX}y type=cost.crossent inputs=targets,p", "", SIX),
    Row("crossent: 33 cases", f"{SOFTMAX}y type=cost.crossent inputs=targets,p", "", SIX, 33),
    Row("crossent: ties", f"{SOFTMAX}y type=cost.crossent inputs=targets,p", "", SIX, 33,
        values="tied"),  # fmt: skip
    Row("crossent: not fused", f"{SOFTMAX}z type=cost.sum2 inputs=p\n"
        "y type=cost.crossent inputs=targets,p", "", SIX, 7),  # fmt: skip
    Row("crossent2: fused", "l type=fc inputs=x outputs=6 neuron=logistic\n"
        "y type=cost.crossent2 inputs=targets,l"),  # fmt: skip
    Row("crossent2: a neuron layer", f"{LOGISTIC}y type=cost.crossent2 inputs=targets,l", "", SIX,
        33),  # fmt: skip
    Row("crossent2: not fused", f"{LOGISTIC}z type=cost.sum2 inputs=l\n"
        "y type=cost.crossent2 inputs=targets,l", "", SIX, 7),  # fmt: skip
    Row("crossent2: not logistic", f"{SOFTMAX}y type=cost.crossent2 inputs=targets,p", "", SIX),
    Row("bce: fused", f"{LOGISTIC}y type=cost.bce inputs=targets,l", "y posWeight=2.5", SIX),
    Row("bce: 33 cases", f"{LOGISTIC}y type=cost.bce inputs=targets,l", "", SIX, 33, "wide"),
    Row("bce: ties", f"{LOGISTIC}y type=cost.bce inputs=targets,l", "", SIX, 33, "tied"),
    Row("bce: not fused", f"{LOGISTIC}z type=cost.bce inputs=targets,l\n"
        "y type=cost.bce inputs=targets,l", "z posWeight=3\ny posWeight=0.4", SIX),  # fmt: skip
    Row("dce: fused", f"{LOGISTIC}y type=cost.dce inputs=targets,l", "y posWeight=2.5", SIX),
    Row("dce: not fused", f"{LOGISTIC}z type=cost.sum2 inputs=l\n"
        "y type=cost.dce inputs=targets,l", "y posWeight=0.3", SIX, 33),  # fmt: skip
    Row("dce: children", f"{LOGISTIC}z type=cost.dce inputs=targets,l\n"
        "y type=cost.dce inputs=targets,l children=z", "", SIX),  # fmt: skip
    Row("rflickr", f"{LOGISTIC}y type=cost.rflickr inputs=targets,l", "", SIX),
    Row("rflickr: not logistic", "f type=fc inputs=x outputs=6\n"
        "y type=cost.rflickr inputs=targets,f", cases=33),  # fmt: skip
    Row("gsum2", "g type=fc inputs=x outputs=1\ny type=cost.gsum2 inputs=g,x"),
    Row("gsum2: of one value", "g type=fc inputs=x outputs=1\n"
        "y type=cost.gsum2 inputs=g,g", cases=33),  # fmt: skip
    Row("gsum2: a label as gate", "f type=fc inputs=x outputs=7\n"
        "y type=cost.gsum2 inputs=labels,f", cases=7),  # fmt: skip
    Row("tica: odd", "y type=cost.tica inputs=x channels=4 sizeX=3", differences=False),
    Row("tica: even", "y type=cost.tica inputs=x channels=4 sizeX=2", cases=33, differences=False),
    Row("tica: wide", "y type=cost.tica inputs=x channels=4 sizeX=9", cases=1, differences=False),
    Row("msm: pairs", "y type=cost.msm inputs=labels,x", "y setSize=2", SIX),
    Row("msm: one class", "y type=cost.msm inputs=labels,x", "y setSize=1", SIX, 33),
    Row("msm: all but one", "y type=cost.msm inputs=labels,x", "y setSize=5 threads=8", SIX, 7),
    Row("msm: ties", "y type=cost.msm inputs=labels,x", "y setSize=3", SIX, 33, "tied"),
    Row("msm: of an fc", "f type=fc inputs=x outputs=9\ny type=cost.msm inputs=labels,f",
        "y setSize=4", cases=1),  # fmt: skip
]  # fmt: skip
BY_NAME = {row.name: row for row in CASES}
DRAWN = ("pool: rand,", "rscale: ")  # other numbers in training than in the check
DROPPED = ("hs", "dropout2", "dropout", "dropout: the key", "pool: rand")
RANDOM = [row for row in CASES if row.name in DROPPED or row.name.startswith(DRAWN)]
