"""Draws the next step of a scenario, looking at the pool as it stands: what is interesting hangs on what is there."""

from collections.abc import Callable
from hashlib import sha256
from random import Random
from typing import Any, Final

from tests.differential.duel import Step, View
from tests.differential.peer import Json
from tests.differential.setting import CHAIN_ID, ETHER, Owner, Setting
from tests.fuzz.mutator import Mutator
from txpool.core import rlp
from txpool.core.authorization import Authorization
from txpool.core.blob_sidecar import BLOB_BYTES, Sidecar
from txpool.core.keccak import keccak
from txpool.core.signature import CURVE_ORDER, sign, sign_authorization
from txpool.core.tx import Tx, decode
from txpool.core.unsigned import Unsigned, seal

GWEI: Final = 10**9
MAX_NONCE: Final = 2**64 - 1
BATCH_SIZE: Final = 20
SENT_BYTES_MAX: Final = 200_000  # longer ones are not sent again, nor broken
BURST_SIZE: Final = 6
INFINITY: Final = b"\xc0" + bytes(47)  # a point of the curve, compressed
ZERO_BLOB_HASH: Final = b"\x01" + sha256(INFINITY).digest()[1:]
REORG_DEPTH_MAX: Final = 4

Draw = Callable[[], Step]


class Generator:
    """An endless scenario.

    Args:
        random: decides everything; the same one gives the same scenario, if both sides answer the same.
        setting: whose accounts send.
        view: the pool after the last step.
        chain: whether blocks and reorgs are among the steps.
    """

    def __init__(self, random: Random, setting: Setting, view: View, *, chain: bool) -> None:
        self._random = random
        self._owners = setting.owners
        self._limits = setting.limits
        self._gas_limit = setting.gas_limit
        self._chain = chain
        self._view = view
        self._sent: list[bytes] = [sign(Unsigned(2, CHAIN_ID, 0, GWEI, 21_000, bytes(20)), setting.owners[0].key)]
        self._draws = self._weights()
        self._by_name = {owner.name: owner for owner in setting.owners}

    def next(self) -> Step:
        """Draw a step."""
        names = list(self._draws)
        name = self._random.choices(names, [self._draws[each] for each in names])[0]
        step: Step = getattr(self, f"_{name}")()
        return {"tag": name.replace("_", "-"), **step}

    def _weights(self) -> dict[str, float]:
        """How often which kind comes; each scenario has its own favourites."""
        usual = {
            "plain": 30, "gap": 10, "fill": 12, "replace": 14, "stale": 2, "again": 3, "cheap": 6, "dear": 8,
            "future_dear": 6, "large": 4, "funds": 6, "gas": 5, "price": 4, "chain_id": 3, "signature": 3,
            "set_code": 10, "delegated": 6, "creation": 2, "malformed": 2, "burst": 3, "lookup": 4, "inspect": 1,
            "extreme_nonce": 1,
        }  # fmt: skip
        if self._chain:
            del usual["creation"]  # the dev chain runs no code
            usual |= {"mine": 6, "reorg": 4}
        else:
            usual["blob"] = 5  # in blocks they would move the blob fee, which the reorgs made here do not count
        return {name: weight * self._random.choice((0.2, 1, 1, 3)) for name, weight in usual.items()}

    # --- kinds of steps

    def _plain(self) -> Step:
        owner = self._owner()
        return self._send(owner, self._next(owner))

    def _gap(self) -> Step:
        owner = self._owner()
        return self._send(owner, self._next(owner) + self._random.choice((1, 1, 2, 3, 8)))

    def _fill(self) -> Step:
        waiting = [name for name in self._view.queued if name in self._by_name]
        if not waiting:
            return self._gap()
        owner = self._by_name[self._random.choice(sorted(waiting))]
        return self._send(owner, self._next(owner))

    def _replace(self) -> Step:
        found = self._pooled()
        if found is None:
            return self._plain()
        owner, nonce, old = found
        tip, cap = _fees(old)
        bump = self._limits.price_bump
        least_tip, least_cap = (-(-fee * (100 + bump) // 100) for fee in (tip, cap))
        floor_tip, floor_cap = (fee * (100 + bump) // 100 for fee in (tip, cap))
        fees = self._random.choice(
            (
                (least_tip, least_cap),
                (floor_tip, floor_cap),
                (least_tip - 1, least_cap),
                (least_tip, least_cap - 1),
                (floor_tip - 1, floor_cap - 1),
                (tip, cap),
                (tip, 2 * cap),
                (2 * tip, max(cap, 2 * tip)),
                (tip // 2, cap // 2),
                (3 * tip, 3 * cap),
            )
        )
        return self._send(owner, nonce, fees=fees)

    def _stale(self) -> Step:
        used = [owner for owner in self._owners if self._view.state_nonce[owner.name]]
        owner = self._random.choice(used)
        return self._send(owner, self._random.randrange(self._view.state_nonce[owner.name]))

    def _again(self) -> Step:
        return self._raw(self._random.choice(self._sent[-60:]))

    def _cheap(self) -> Step:
        owner = self._owner()
        return self._send(owner, self._next(owner), fees=self._fees(high=GWEI // 50))

    def _dear(self) -> Step:
        owner = self._owner()
        return self._send(owner, self._next(owner), fees=self._fees(low=10 * GWEI, high=40 * GWEI))

    def _future_dear(self) -> Step:
        owner = self._owner()
        return self._send(owner, self._next(owner) + self._random.randint(1, 5), fees=self._fees(10 * GWEI, 40 * GWEI))

    def _large(self) -> Step:
        """More than one slot, up to more than may be."""
        owner = self._owner()
        most = 131_072 if self._gas_limit > 2_000_000 else 60_000
        size = self._random.choice((32_600, 32_700, 40_000, 70_000, 130_900, 131_100))
        data = bytes(min(size, most) + self._random.randint(-100, 100))
        gas = min(21_000 + 10 * len(data), self._gas_limit)
        return self._send(owner, self._next(owner), data=data, gas=gas, fees=self._fees(1, 20 * GWEI))

    def _funds(self) -> Step:
        owner = self._owner()
        tip, cap = self._fees()
        balance = self._view.balance[owner.name]
        spare = balance - 21_000 * cap
        of_balance = balance * self._random.randint(20, 60) // 100
        value = self._random.choice((spare, spare + 1, of_balance, of_balance, balance, 2**256 - 1, 2**256))
        nonce = self._next(owner) + self._random.choice((0, 0, 0, 1))
        return self._send(owner, nonce, fees=(tip, cap), value=max(value, 0), kinds=(0, 1, 2))

    def _gas(self) -> Step:
        owner = self._owner()
        data = self._random.randbytes(self._random.choice((0, 1, 100)))
        gas = self._random.choice(
            (0, 20_999, 21_000, 21_000 + 40 * len(data), 20_999 + 40 * len(data), 21_000 + 16 * len(data),
             self._gas_limit, self._gas_limit + 1, 2**24, 2**24 + 1, MAX_NONCE)
        )  # fmt: skip
        return self._send(owner, self._next(owner), data=data, gas=gas, kinds=(0, 1, 2))

    def _price(self) -> Step:
        owner = self._owner()
        tip, cap = self._fees()
        limit = self._limits.price_limit
        fees = self._random.choice(
            ((cap + 1, cap), (0, cap), (limit - 1, cap), (limit, max(limit, cap)), (0, 0), (tip, 2**256 - 1),
             (tip, 2**256), (2**256, 2**256), (tip, ETHER // 21_000), (tip, ETHER // 21_000 + 10**12), (tip, ETHER))
        )  # fmt: skip
        return self._send(owner, self._next(owner), fees=(max(fees[0], 0), fees[1]), kinds=(0, 1, 2, 2))

    def _chain_id(self) -> Step:
        owner = self._owner()
        kind = self._random.choice((0, 0, 1, 2, 4))
        chain_id = (
            None if kind == 0 and self._random.random() < 0.5 else self._random.choice((0, 1, 1338, 2**63, 2**80))
        )
        return self._send(owner, self._next(owner), kinds=(kind,), chain_id=chain_id)

    def _signature(self) -> Step:
        owner = self._owner()
        unsigned = self._unsigned(self._random.choice((0, 1, 2, 4)), self._next(owner), {})
        good = rlp.decode(_payload(sign(unsigned, owner.key)))
        r, s = (int.from_bytes(part, "big") for part in good[-2:] if isinstance(part, bytes))
        parity, r, s = self._random.choice(
            ((0, 0, s), (0, r, 0), (1, r, CURVE_ORDER - s), (0, CURVE_ORDER, s), (0, r, CURVE_ORDER), (2, r, s),
             (0, 1, 1), (1, 5, s), (0, 2**256 - 1, s), (30, r, s))
        )  # fmt: skip
        return self._raw(seal(unsigned, parity, r, s))

    def _set_code(self) -> Step:
        owner = self._owner()
        count = self._random.choice((0, 1, 1, 1, 2, 3))
        authorizations = tuple(self._authorization() for _ in range(count))
        nonce = self._next(owner) + self._random.choice((0, 0, 0, 1))
        gas = self._random.choice((21_000 + 25_000 * count, 120_000, 20_999 + 25_000 * count))
        return self._send(owner, nonce, kinds=(4,), authorizations=authorizations, gas=gas)

    def _authorization(self) -> Authorization:
        random = self._random
        owner = self._owner()
        nonce = self._next(owner) + random.choice((0, 0, 1, -1))
        chain_id = random.choice((0, CHAIN_ID, CHAIN_ID, 1))
        target = random.choice((bytes(20), random.randbytes(20)))
        signed = sign_authorization(chain_id, target, min(max(nonce, 0), MAX_NONCE), owner.key)
        if random.random() < 0.1:
            return Authorization(chain_id, target, signed.nonce, random.choice((2, 255)), signed.r, signed.s)
        return signed

    def _delegated(self) -> Step:
        lent = [owner for owner in self._owners if owner.code]
        owner = self._random.choice(lent)
        found = sorted(self._view.pending.get(owner.name, ())) + sorted(self._view.queued.get(owner.name, ()))
        if found and self._random.random() < 0.5:
            return self._send(owner, found[0])
        return self._send(owner, self._next(owner) + self._random.choice((0, 0, 1)))

    def _creation(self) -> Step:
        owner = self._owner()
        data = bytes(self._random.choice((1, 100, 49_152, 49_153)))
        gas = min(53_000 + 4 * len(data) + 2 * (len(data) // 32 + 1) + 10 * len(data), self._gas_limit)
        return self._send(owner, self._next(owner), kinds=(0, 1, 2), to=None, data=data, gas=gas)

    def _malformed(self) -> Step:
        """What is no transaction in a batch; what still is one by itself, for it may enter the pool."""
        mutator = Mutator(self._sent[-40:], self._random.randrange(2**32))
        inputs = [mutator.next() for _ in range(BATCH_SIZE)]
        readable = [raw for raw in inputs if isinstance(decode(raw), Tx)]
        if readable and self._random.random() < 0.5:
            return self._raw(readable[0])
        return self._batch([raw for raw in inputs if raw not in readable])

    def _burst(self) -> Step:
        """Several at once, while there is room: between two of them geth may or may not have applied its limits.

        Of different senders, for geth may or may not have promoted either.
        """
        held = sum(len(txs) for part in (self._view.pending, self._view.queued) for txs in part.values())
        if held + BURST_SIZE > self._limits.global_slots // 2:
            return self._plain()
        owners = self._random.sample(self._owners[:18], BURST_SIZE)
        return self._batch([self._signed(owner, self._next(owner), {}) for owner in owners])

    def _blob(self) -> Step:
        """Blobs of zeros: commitment and proofs are the point at infinity. Some are wrong, some replace another."""
        random = self._random
        owner = random.choice(self._owners[:22])
        count = random.choice((1, 1, 1, 2, 7))
        proofs = random.choice((128, 128, 128, 128, 127)) * count
        beside = Sidecar(1, (bytes(BLOB_BYTES),) * count, (INFINITY,) * count, (INFINITY,) * proofs)
        hashes = (random.choice((ZERO_BLOB_HASH,) * 9 + (b"\x01" * 32,)),) * count
        nonce = max(self._next(owner) + random.choice((0, 0, 0, -1, 1)), 0)
        fees = random.choice((self._fees(), self._fees(10 * GWEI, 20 * GWEI), self._fees(20 * GWEI, 90 * GWEI)))
        blob_fee = random.choice((0, 1, 2, 4, random.randint(1, 10**6)))
        fields = {"sidecar": random.choice((beside, beside, beside, beside, None)), "blob_hashes": hashes}
        return self._send(owner, nonce, kinds=(3,), fees=fees, blob_fee_cap=blob_fee, **fields)

    def _lookup(self) -> Step:
        raw = self._random.choice(self._sent[-80:])
        method = self._random.choice(("eth_getTransactionByHash", "eth_getRawTransactionByHash"))
        return self._call(method, "0x" + _hash(raw)) if not self._view.head > 1 else self._inspect()

    def _inspect(self) -> Step:
        if self._random.random() < 0.5:
            return self._call("txpool_inspect")
        return self._call("txpool_contentFrom", self._owner().name)

    def _extreme_nonce(self) -> Step:
        owner = self._random.choice([owner for owner in self._owners if owner.nonce > 2**63] + self._owners[:2])
        return self._send(owner, self._random.choice((MAX_NONCE, MAX_NONCE - 1, MAX_NONCE - 2)))

    def _mine(self) -> Step:
        return {"op": "mine", "count": self._random.choice((1, 1, 1, 2, 3))}

    def _reorg(self) -> Step:
        """The first block stays: both sides start from it."""
        deepest = min(REORG_DEPTH_MAX, self._view.head - 1)
        return {"op": "reorg", "depth": self._random.randint(1, deepest)} if deepest > 0 else self._mine()

    # --- parts

    def _owner(self) -> Owner:
        """Somebody: the rich more often, some of them very busy."""
        random = self._random
        kind = random.random()
        if kind < 0.35:
            return random.choice(self._owners[:4])
        return random.choice(self._owners[:18] if kind < 0.8 else self._owners)

    def _next(self, owner: Owner) -> int:
        return self._view.pool_nonce.get(owner.name, owner.nonce)

    def _pooled(self) -> tuple[Owner, int, Json] | None:
        parts = [part for part in (self._view.pending, self._view.queued) if part]
        if not parts:
            return None
        part = self._random.choice(parts)
        name = self._random.choice(sorted(part))
        nonce = self._random.choice(sorted(part[name]))
        return self._by_name[name], nonce, part[name][nonce]

    def _fees(self, low: int = 1, high: int = 10 * GWEI) -> tuple[int, int]:
        """A tip and a fee cap: no two alike, for geth breaks ties by chance."""
        cap = self._random.randint(low, high)
        return (cap, cap) if self._random.random() < 0.2 else (self._random.randint(low, cap), cap)

    def _send(self, owner: Owner, nonce: int, **fields: Any) -> Step:  # noqa: ANN401 - any field of Unsigned
        return self._raw(self._signed(owner, nonce, fields))

    def _signed(self, owner: Owner, nonce: int, fields: dict[str, Any]) -> bytes:
        kind = self._random.choice(fields.pop("kinds", (0, 0, 1, 2, 2, 2)))
        raw = sign(self._unsigned(kind, nonce, fields), owner.key)
        if len(raw) < SENT_BYTES_MAX:
            self._sent.append(raw)
        return raw

    def _unsigned(self, kind: int, nonce: int, fields: dict[str, Any]) -> Unsigned:
        random = self._random
        tip, cap = fields.pop("fees", None) or self._fees(self._limits.price_limit)
        values: dict[str, Any] = {
            "chain_id": CHAIN_ID,
            "tip_cap": tip,
            "fee_cap": cap,
            "gas": random.choice((21_000, 21_000, 50_000, 150_000)),
            "to": random.randbytes(20) if self._chain or random.random() < 0.5 else self._owner().address,
            "value": random.choice((0, 1, 10**15, 10**17)),
        }
        if kind and random.random() < 0.2:
            values["access_list"] = ((random.randbytes(20), (random.randbytes(32),) * random.randint(0, 2)),)
            values["gas"] += 10_000
        if kind == 4:
            values["authorizations"] = (self._authorization(),)
            values["gas"] += 25_000
        values |= fields
        if kind > 2:
            values["to"] = values["to"] or bytes(20)
        return Unsigned(type=kind, nonce=min(nonce, MAX_NONCE), **values)

    def _raw(self, raw: bytes) -> Step:
        return self._call("eth_sendRawTransaction", "0x" + raw.hex())

    def _call(self, method: str, *params: Json) -> Step:
        return {"op": "rpc", "method": method, "params": list(params)}

    def _batch(self, raws: list[bytes]) -> Step:
        calls = [
            {"jsonrpc": "2.0", "id": number, "method": "eth_sendRawTransaction", "params": ["0x" + raw.hex()]}
            for number, raw in enumerate(raws)
        ]
        return {"op": "batch", "body": calls}


def _payload(raw: bytes) -> bytes:
    return raw if raw[0] > 0x7F else raw[1:]


def _hash(raw: bytes) -> str:
    return keccak(raw).hex()


def _fees(tx: Json) -> tuple[int, int]:
    cap = int(tx["gasPrice"], 16)
    return (int(tx["maxPriorityFeePerGas"], 16), int(tx["maxFeePerGas"], 16)) if "maxFeePerGas" in tx else (cap, cap)
