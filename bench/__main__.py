"""Run a benchmark by name, or those of `make bench` one after another: `python -m bench [NAME [ARGUMENTS]]`."""

import sys
from importlib import import_module
from typing import Final

# What `make bench` runs, with the arguments that it gives.
SUITE: Final = (
    ("decode", ()),
    ("slab", ()),
    ("get_put", ()),
    ("stores", ("--resident", "100000")),
    ("scrape", ()),
    ("cli_start", ()),
    ("million", ()),
    ("million", ("--senders", "1000000")),
    ("watch", ()),
    ("pressure", ()),
    ("growth", ()),
    ("returning", ()),
    ("lifecycle", ()),
    ("blocks", ()),
    ("reading", ()),
    ("ingest", ()),
    ("ingest", ("--batch", "1", "--transactions", "20000")),
    ("trace", ()),
    ("trace", ("--batch", "1")),
)

# What has to be asked for: it needs other nodes or tools, or answers a single question.
ASKED_FOR: Final = frozenset({"versus", "harness", "governor", "batch_sizes", "http", "page_spikes"})


def run(name: str, arguments: list[str]) -> None:
    """Run one benchmark: the module of that name, through its `main`."""
    import_module(f"bench.{name}").main(arguments)


def main() -> None:
    """Run what the command line names, or everything."""
    known = sorted({name for name, _ in SUITE} | ASKED_FOR)
    match sys.argv[1:]:
        case []:
            for name, arguments in SUITE:
                print(f"\n# {' '.join(['bench', name, *arguments])}", flush=True)
                run(name, list(arguments))
        case [name, *arguments] if name in known:
            run(name, arguments)
        case _:
            sys.exit(f"usage: python -m bench [{' | '.join(known)}] [arguments of that benchmark]")


if __name__ == "__main__":
    main()
