"""A tree of labels whose leaves are the classes (docs/dialect.md, 3.9)."""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Tree:
    """children: label -> the labels below it; labels without any are the classes.  root: a label.

    Labels count from 0, the classes first.  ValueError, with the reason, if it is no such tree.
    """

    children: dict[int, tuple[int, ...]]
    root: int

    def __post_init__(self) -> None:
        below = [label for labels in self.children.values() for label in labels]
        labels = {self.root, *self.children, *below}
        if not all(isinstance(label, int) and label >= 0 for label in labels):
            raise ValueError("labels must be integers from 0")
        seen = {self.root}
        for label in below:
            if label in seen:
                raise ValueError(
                    f"label {label} {'is the root' if label == self.root else 'has a parent'}, "
                    "and stands below another label"
                )
            seen.add(label)
        lost = sorted(labels - set(self.order))
        if lost:
            raise ValueError(f"label {lost[0]} is not below the root, label {self.root}")
        if max(labels) >= len(labels):
            missing = next(label for label in range(max(labels)) if label not in labels)
            raise ValueError(f"label {missing} is missing")
        inner = [label for label in labels if self.children.get(label)]
        if inner and min(inner) < self.classes:
            raise ValueError(
                f"label {min(inner)} has labels below it, so it is no class; the classes must have "
                f"the labels from 0 to {self.classes - 1}"
            )

    @cached_property
    def order(self) -> tuple[int, ...]:
        """The labels from the root down, parents before children."""
        found, seen = [self.root], {self.root}
        for label in found:
            new = [child for child in self.children.get(label, ()) if child not in seen]
            seen.update(new)
            found += new
        return tuple(found)

    @property
    def size(self) -> int:
        """Labels, inner ones too."""
        return len(self.order)

    @cached_property
    def classes(self) -> int:
        return sum(not self.children.get(label) for label in self.order)

    def parents(self) -> tuple[int, ...]:
        """By label: its parent, -1 for the root."""
        above = {child: label for label in self.children for child in self.children[label]}
        return tuple(above.get(label, -1) for label in range(self.size))

    def leaves(self) -> tuple[int, ...]:
        """By label: the number of classes at or below it."""
        counts, parents = [0] * self.size, self.parents()
        for label in reversed(self.order):
            counts[label] += not self.children.get(label)
            if parents[label] >= 0:
                counts[parents[label]] += counts[label]
        return tuple(counts)
