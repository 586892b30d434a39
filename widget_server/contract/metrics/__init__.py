"""The metrics, one file each. A metric only reads counters, so adding one needs no migration and has a history at once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from widget_server.contract.registry import load_all
from widget_server.contract.scores import Counts, Score


@dataclass(frozen=True)
class Metric:
    """`read` turns counts into a score; `question_types` are those it can be read from (empty: from any).

    No score is outside its `scale`.
    """

    name: str
    question_types: tuple[str, ...]
    read: Callable[[Counts], Score]
    unit: str
    meaning: str
    scale: tuple[float, float] = (0, 1)


@cache
def metrics() -> dict[str, Metric]:
    """Every metric by name."""
    return load_all("widget_server.contract.metrics", "METRIC")


@cache
def headline(question_type: str) -> Metric | None:
    """The metric that a question of this type is judged by: the one of its own name, else the first that can be read
    from it. None for texts, which have none."""
    fitting = {name: metric for name, metric in metrics().items() if question_type in metric.question_types}
    return fitting.get(question_type) or next(iter(fitting.values()), None)
