"""The pool's limits, under geth's names and with geth's defaults."""

import msgspec


class PoolSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of the pool; wei, transactions, slots of 32 KiB, percent, seconds, bytes.

    `hardened` adds protections that geth does not have (`hardening.py`).
    geth puts its default in the place of a value below 1; `sanitized` does the same.
    """

    price_limit: int = 1
    price_bump: int = 10
    account_slots: int = 16
    global_slots: int = 5120
    account_queue: int = 64
    global_queue: int = 1024
    lifetime: int = 3 * 60 * 60
    blob_data_cap: int = 2_684_354_560
    blob_price_bump: int = 100
    hardened: bool = False

    def sanitized(self) -> "PoolSettings":
        """Replace each value below 1 by its default, as geth does."""
        default = PoolSettings()
        wrong = {name: getattr(default, name) for name in self.__struct_fields__ if getattr(self, name) < 1}
        return msgspec.structs.replace(self, **wrong)
