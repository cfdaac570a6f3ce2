"""Recall of the search by binary codes: how much of the exact search it finds."""

import time
from dataclasses import dataclass

import numpy as np

from convnet.data.datasets.feature_files import FeatureFolder
from convnet.errors import DataError
from convnet.search import nearest, nearest_codes, packed, recall_at, same_class
from convnet.search.codes import random_codes

LENGTHS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000)  # of result lists, in multiples of k
_MEAN_CASES = 4096


@dataclass(frozen=True)
class Recall:
    """text: a table for people.  facts: the same as a JSON object."""

    text: str
    facts: dict


def table_of_recall(features: FeatureFolder, codes: FeatureFolder, k: int, cases: int) -> Recall:
    """Return how many of the exact search's k nearest are among the first by Hamming distance.

    Averaged over `cases` evenly spaced test cases; for the learned codes, and for as many bits of
    random projections.  Raises DataError if the two folders hold different cases.
    """
    _check_same_cases(features, codes)
    total = len(features.matrix("test"))
    chosen = np.arange(min(cases, total)) * total // min(cases, total)
    started = time.perf_counter()
    exact = nearest(np.array(features.matrix("test")[chosen]), features.matrix("train"), k).indices
    seconds = {"exact": time.perf_counter() - started}
    lengths = [k * n for n in LENGTHS if k * n < len(features.matrix("train"))]
    recalls, agree = {}, {"exact": _agreement(features, chosen, exact)}
    for kind, pair in _packed_pairs(features, codes, chosen).items():
        started = time.perf_counter()
        found = np.stack([nearest_codes(query, pair[1], lengths[-1]) for query in pair[0]])
        seconds[kind] = time.perf_counter() - started
        recalls[kind] = recall_at(exact, found, lengths)
        agree[kind] = _agreement(features, chosen, found[:, :k])
    facts = {
        "bits": codes.values,
        "cases": len(chosen),
        "vectors": len(features.matrix("train")),
        "recall": recalls,
        "same_class": agree,
        "seconds": seconds,
        "near_0_or_1": _share_that_is_binary(codes),
    }
    return Recall(_table(facts, k), facts)


def _packed_pairs(features, codes, chosen):
    """The packed codes of the queries and of the training cases, by kind."""
    train = features.matrix("train")
    sample = np.arange(min(_MEAN_CASES, len(train))) * len(train) // min(_MEAN_CASES, len(train))
    mean = train[sample].mean(axis=0)
    queries = np.array(features.matrix("test")[chosen])
    return {
        "codes": (packed(codes.matrix("test")[chosen]), packed(codes.matrix("train"))),
        "random": tuple(random_codes(vectors, mean, codes.values) for vectors in (queries, train)),
    }


def _check_same_cases(features, codes):
    for split in ("train", "test"):
        count = len(features.matrix(split))
        whole = np.array_equal(codes.indices(split), np.arange(count))
        if not whole or not np.array_equal(codes.labels(split), features.labels(split)):
            raise DataError(
                f"{codes.path}: its {split} cases are not those of {features.path}; write them "
                f"with `convnet test --data {features.path} --split both`"
            )


def _agreement(features, chosen, indices):
    return same_class(features.labels("train"), features.labels("test")[chosen], indices)


def _share_that_is_binary(codes):
    """Share of the test codes' values that are within 0.1 of 0 or 1."""
    values = codes.matrix("test")
    return float((np.abs(values - 0.5) > 0.4).mean())


def _table(facts, k):
    lines = [
        f"share of the {k} nearest by distance that codes of {facts['bits']} bits find "
        f"({facts['cases']:,} test cases in {facts['vectors']:,}):",
        f"{'first by Hamming':>18}  {'learned codes':>14}  {'random planes':>14}",
    ]
    for length, learned in facts["recall"]["codes"].items():
        random = facts["recall"]["random"][length]
        lines.append(f"{length:18,}  {learned:14.1%}  {random:14.1%}")
    agree, seconds = facts["same_class"], facts["seconds"]
    lines.append(
        f"of the query's class among the first {k}: exact {agree['exact']:.1%}, codes "
        f"{agree['codes']:.1%}, random {agree['random']:.1%}"
    )
    lines.append(f"seconds: exact {seconds['exact']:.2f}, by codes {seconds['codes']:.2f}")
    lines.append(f"values of the codes within 0.1 of 0 or 1: {facts['near_0_or_1']:.1%}")
    return "\n".join(lines)
