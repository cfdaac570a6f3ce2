"""The confusion matrix of a test, as numbers and as a picture."""

from dataclasses import dataclass

from PIL import Image

from convnet.report.confusion_counts import ConfusionCounts
from convnet.report.figures.confusion import confusion_picture


@dataclass(frozen=True, eq=False)
class Confusion(ConfusionCounts):
    """Which classes are taken for which others; made by `of`.

    Attributes:
        class_names: By class.
        entries: int64 (n, 3): the true class, the predicted class and the number of cases, for each
            pair of classes that occurs.
        unknown: Cases whose label names none of the classes; they count nowhere else.
        title: A line about the cases.
    """

    def figure(self) -> Image.Image:
        """Return the matrix as a picture, with the error of each class and the largest entries."""
        return confusion_picture(self)
