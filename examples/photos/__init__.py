"""The paper's own net on photographs: AlexNet on two devices, trained on Caltech-101.

`python -m examples.photos` trains it, tests it on one view and on ten, draws the paper's Figures 3
and 4, and measures whether the devices specialize in color and gray as the paper's section 6.1
says.  Any set of photographs that `convnet make-data` makes will do.
"""
