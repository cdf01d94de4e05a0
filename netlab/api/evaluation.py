"""What a classifier says of images, and how often it is right."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from netlab.api.plot import Plot
from netlab.api.table import ReadAsTable, Table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from netlab.classification.class_figures import ClassFigures


class Predictions(ReadAsTable):
    """The classes of images, in the order of the images.

    ``images`` are their names, ``labels`` the likeliest class of each, ``probabilities`` float32 (N, K)
    with rows adding up to 1, ``class_names`` the K classes. Iterating gives a mapping an image: image,
    class, probability.
    """

    images: list[str]
    labels: list[str]
    probabilities: NDArray[np.float32]
    class_names: tuple[str, ...]

    def __init__(
        self, images: Sequence[str], probabilities: NDArray[np.float32], class_names: Sequence[str]
    ) -> None:
        self.images = list(images)
        self.probabilities = probabilities
        self.class_names = tuple(class_names)
        self.labels = [self.class_names[place] for place in probabilities.argmax(axis=1).tolist()]

    def top(self, count: int) -> Table:
        """The ``count`` likeliest classes of every image: image, rank, class, probability."""
        order = (-self.probabilities).argsort(axis=1, kind="stable")[:, :count].tolist()
        return Table(
            {
                "image": image,
                "rank": rank,
                "class": self.class_names[place],
                "probability": float(row[place]),
            }
            for image, row, places in zip(self.images, self.probabilities, order, strict=True)
            for rank, place in enumerate(places, start=1)
        )

    def to_table(self) -> Table:
        """A row an image: image, class, probability."""
        return Table(
            [
                {"image": image, "class": label, "probability": float(row.max())}
                for image, label, row in zip(self.images, self.labels, self.probabilities, strict=True)
            ],
            ("image", "class", "probability"),
        )

    def __len__(self) -> int:
        return len(self.images)

    def _repr_html_(self) -> str:
        return self.to_table()._repr_html_()


class Evaluation:
    """How well a classifier tells the classes of labelled images apart.

    ``accuracy`` and ``balanced_accuracy`` (the mean recall of the classes that occur) in [0, 1];
    ``by_class`` a table with class, precision, recall, f1, images; ``confusion`` int64 (K, K), rows true,
    columns predicted; ``class_names`` the K classes.
    """

    accuracy: float
    balanced_accuracy: float
    by_class: Table
    confusion: NDArray[np.int64]
    class_names: tuple[str, ...]

    def __init__(self, figures: ClassFigures, class_names: Sequence[str]) -> None:
        self.class_names = tuple(class_names)
        self.confusion = figures.confusion
        self.accuracy = figures.accuracy
        self.balanced_accuracy = figures.balanced_accuracy
        columns = (figures.precision, figures.recall, figures.f1, figures.images)
        self.by_class = Table(
            {"class": name, "precision": precision, "recall": recall, "f1": f1, "images": images}
            for name, precision, recall, f1, images in zip(
                self.class_names, *(column.tolist() for column in columns), strict=True
            )
        )

    def plot(self) -> Plot:
        """The confusion matrix, each row as shares of its true class."""
        from netlab.classification.confusion_figure import confusion_figure

        return Plot(confusion_figure(self.confusion, self.class_names))

    def __repr__(self) -> str:
        return f"{self._summary()}\n{self.by_class!r}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._summary())}</p>{self.by_class._repr_html_()}"

    def _summary(self) -> str:
        return (
            f"accuracy {self.accuracy:.4f}, balanced accuracy {self.balanced_accuracy:.4f},"
            f" {int(self.confusion.sum()):,} images"
        )
