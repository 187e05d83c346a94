"""Scenarios and results as text for people."""

from loadtest.result import Result
from loadtest.scenario import Scenario


def describe_plan(scenario: Scenario) -> str:
    """What a run would do."""
    load = scenario.load
    lines = [
        f"{scenario.name}: {scenario.about}",
        f"{scenario.transactions} transactions of {scenario.corpus.senders} senders, seed {scenario.corpus.seed}",
        (
            f"{load.loop} loop over {load.transport}, {load.connections} connections, batches of {load.batch},"
            f" {load.processes} process(es)"
        ),
    ]
    lines += [f"  {stage.seconds:g} s at {stage.rate:g} to {stage.last_rate:g} a second" for stage in load.stages]
    if scenario.head.block_seconds:
        lines.append(
            f"a block every {scenario.head.block_seconds:g} s, a reorg every {scenario.head.reorg_every} blocks"
        )
    stress = scenario.stress
    if stress.cpu_burners or stress.memory_bytes:
        lines.append(
            f"beside it {stress.cpu_burners} process(es) that compute and {stress.memory_bytes:,} bytes written over,"
            f" niceness {stress.nice}"
        )
    lines += [f"server: {name} = {value}" for name, value in scenario.server.set.items()]
    return "\n".join(lines)


def describe(found: Result) -> str:
    """The figures for people."""
    latency, server = found.latency_ms, found.server
    rows = [
        f"{found.name}: {found.verdict.value} ({found.label})",
        (
            f"  accepted {found.accepted} of {found.sent} sent, refused {found.refused}, failed {found.errors},"
            f" late {found.late}, unsent {found.unsent}"
        ),
        f"  {found.tps:,.0f} accepted a second over {found.steady_seconds:.1f} s",
        "  latency ms  " + "  ".join(f"{name} {latency[name]:.2f}" for name in ("p50", "p90", "p99", "p999", "max")),
        f"  generator   lag p99 {found.lag_ms['p99']:.3f} ms, {found.generator_cpu_share:.0%} of its core",
    ]
    if server.tps_per_cpu_second and server.cpu_seconds:
        each = 1e6 / server.tps_per_cpu_second
        rows.append(f"  server      {server.cpu_seconds:.1f} s of CPU, {each:.0f} us a transaction accepted")
    rows += [f"  {count:8}  {reason}" for reason, count in list(found.reasons.items())[:5]]
    rows += [
        f"  {'ok  ' if check.holds else 'FAIL'}  {check.name} {check.limit:g}, measured {check.value}"
        for check in found.checks
    ]
    return "\n".join([*rows, *(f"  note: {remark}" for remark in found.remarks)])
