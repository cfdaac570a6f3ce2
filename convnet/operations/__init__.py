"""The operations: what layers ask for and every backend implements, each declared once.

A layer calls a declaration with a recorder, `cmrnorm.forward(ops, x, y, ...)`, which makes the call
a step of the plan.  `backends/cpu/ops` and `backends/cuda/ops` have a module of the same name whose
functions implement the declarations (`@implements(cmrnorm.forward)`).

Docstrings give the formula, the shape of every array and the source.  In them:

* (+)=  sets the array or, where `accumulate`, adds to what it holds;
* dx is dE/dx, the gradient of the cost with respect to x;
* shapes: N cases, C channels, H rows and W columns of an image, S the side of a square one, F
  filters, M the side of a square of outputs (modules), K the side of a filter;
* paper: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
  Networks", 2012;
* arrays are of the network's float type unless the docstring names another one.
"""
