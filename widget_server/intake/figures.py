"""What the intake counts about itself, for /metrics: plain numbers, made into metrics when somebody looks."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_GROUP_SIZES = (1, 2, 5, 10, 20, 50, 100, 200)


class Figures(Collector):
    """The numbers of one process; register it with a prometheus_client registry."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, int], int] = {}
        self.appended = 0
        self.spilled = 0
        self.spilled_bytes = 0
        self.drained = 0
        self.hedged = 0
        self.away = False
        self.away_times = 0
        self.waiting = 0
        self._groups = [0] * (len(_GROUP_SIZES) + 1)
        self._grouped = 0

    def replied(self, route: str, status: int) -> None:
        key = (route, status)
        self.requests[key] = self.requests.get(key, 0) + 1

    def grouped(self, entries: int) -> None:
        place = 0
        while place < len(_GROUP_SIZES) and entries > _GROUP_SIZES[place]:
            place += 1
        self._groups[place] += 1
        self._grouped += entries

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "atbalss_intake_requests", "Requests by route and status.", labels=("route", "status")
        )
        for (route, status), count in sorted(self.requests.items()):
            requests.add_metric((route, str(status)), count)
        yield requests
        yield CounterMetricFamily(
            "atbalss_intake_appended", "Events appended to the stream.", value=self.appended
        )
        yield CounterMetricFamily(
            "atbalss_intake_spilled", "Events written to the spill.", value=self.spilled
        )
        yield CounterMetricFamily(
            "atbalss_intake_spilled_bytes", "Bytes written to the spill.", value=self.spilled_bytes
        )
        yield CounterMetricFamily(
            "atbalss_intake_drained", "Events moved from the spill.", value=self.drained
        )
        yield CounterMetricFamily(
            "atbalss_intake_hedged", "Events spilled because Redis was slow to answer.", value=self.hedged
        )
        yield CounterMetricFamily("atbalss_intake_away", "Times Redis was found away.", value=self.away_times)
        yield GaugeMetricFamily("atbalss_intake_redis_away", "1 while Redis is away.", value=float(self.away))
        yield self._histogram()

    def _histogram(self) -> HistogramMetricFamily:
        below, buckets = 0, []
        for size, count in zip((*map(str, _GROUP_SIZES), "+Inf"), self._groups, strict=True):
            below += count
            buckets.append((size, float(below)))
        return HistogramMetricFamily(
            "atbalss_intake_group_events",
            "Events appended together.",
            buckets=buckets,
            sum_value=self._grouped,
        )
