"""Costs logreg and sum2, and the counting of errors with ties. docs/dialect.md, 7."""

import math

import numpy as np


def _correct(p, label, topk):
    """How far one case counts as correct, 0..1: `topk` places shared out among ties."""
    slots = topk - sum(1 for value in p if value > p[label])
    equal = sum(1 for value in p if value == p[label])
    if slots <= 0:
        return 0.0
    return 1.0 if equal <= slots else slots / equal


def logreg(labels, probs, topk, floor=0.0):
    """(sum of -log p of the label, top-1 errors, top-k errors), each summed over the cases.

    labels (1, N) class indices, probs (classes, N); p below `floor` counts as `floor` in the log.
    """
    probs = np.asarray(probs, np.float64)
    cost = top1_errors = topk_errors = 0.0
    for n in range(probs.shape[1]):
        label = int(labels[0, n])
        p = probs[:, n]
        cost += -math.log(max(p[label], floor))
        top1_errors += 1.0 - _correct(p, label, 1)
        topk_errors += 1.0 - _correct(p, label, topk)
    return cost, top1_errors, topk_errors


def logreg_grad(labels, probs, coeff, fused, floor=0.0):
    """dE/dprobs (classes, N), or, fused, the gradient of the input of the softmax."""
    probs = np.asarray(probs, np.float64)
    grad = coeff * probs if fused else np.zeros(probs.shape)
    for n in range(probs.shape[1]):
        label = int(labels[0, n])
        grad[label, n] -= coeff if fused else coeff / max(probs[label, n], floor)
    return grad


def sum2(x):
    """The sum of x^2 over everything."""
    return float(np.sum(np.asarray(x, np.float64) ** 2))


def sum2_grad(x, coeff):
    """2 * coeff * x."""
    return 2.0 * coeff * np.asarray(x, np.float64)
