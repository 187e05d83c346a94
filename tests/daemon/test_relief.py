import asyncio

from txpool.daemon.relief import Relief


def test_relief_takes_every_measure() -> None:
    taken: list[str] = []

    async def store() -> None:
        taken.append("store")

    async def caches() -> None:
        taken.append("caches")

    asyncio.run(Relief(store, caches).relieve())

    assert taken == ["store", "caches"]
