"""A corpus: the same bytes for a seed, and in it what its recipe says."""

from collections import Counter
from pathlib import Path

import pytest

from loadtest.corpus import FILE, Corpus, CorpusError, prepare
from loadtest.plan import Kind, blob_senders, orders
from loadtest.scenario import Invalid, Nonces, Recipe, Replacements, Types
from loadtest.signing import address_of
from txpool.core.rejection import Rejected
from txpool.core.signature import sender_of
from txpool.core.tx import Tx, decode

MIXED = Recipe(
    senders=40,
    order="random",
    zipf=1.2,
    types=Types(legacy=20, access_list=10, dynamic_fee=60, blob=1, set_code=9),
    nonces=Nonces(shuffle_window=8, gap_share=0.01, duplicate_share=0.02),
    replacements=Replacements(share=0.1, underpriced_share=0.05, cancel_share=0.05),
    invalid=Invalid(signature_share=0.02, chain_share=0.02, gas_share=0.02, overdraft_share=0.02),
)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("corpus")
    prepare(MIXED, 1500, folder, processes=1)
    return Corpus(folder)


def decoded(corpus: Corpus, number: int) -> Tx:
    tx = decode(corpus[number])
    assert isinstance(tx, Tx)
    return tx


def test_the_same_recipe_gives_the_same_bytes_on_any_number_of_processes(tmp_path: Path, mixed: Corpus) -> None:
    again = prepare(MIXED, 1500, tmp_path, processes=2)

    assert again == mixed.manifest
    mixed.verify()


def test_another_seed_gives_other_senders() -> None:
    assert address_of(1, 0) != address_of(2, 0)


def test_every_transaction_is_signed_by_one_of_its_senders(mixed: Corpus) -> None:
    accounts = {address_of(MIXED.seed, number) for number in range(mixed.manifest.senders)}
    wrong = {Kind.BAD_SIGNATURE, Kind.WRONG_CHAIN}

    for number in range(len(mixed)):
        if mixed.kind(number) not in wrong:
            assert sender_of(decoded(mixed, number), MIXED.chain_id) in accounts


def test_what_has_a_bad_signature_or_chain_has_no_sender(mixed: Corpus) -> None:
    spoilt = [number for number in range(len(mixed)) if mixed.kind(number) in (Kind.BAD_SIGNATURE, Kind.WRONG_CHAIN)]

    assert spoilt
    assert all(isinstance(sender_of(decoded(mixed, number), MIXED.chain_id), Rejected) for number in spoilt)


def test_a_duplicate_is_the_same_bytes_again(mixed: Corpus) -> None:
    for number in range(len(mixed)):
        if mixed.kind(number) is Kind.DUPLICATE:
            assert any(mixed[number] == mixed[earlier] for earlier in range(number))


def test_all_types_and_kinds_of_the_recipe_are_there(mixed: Corpus) -> None:
    types = Counter(decoded(mixed, number).type for number in range(len(mixed)))

    assert set(types) == {0, 1, 2, 3, 4}
    assert set(mixed.manifest.kinds) == {kind.name.lower() for kind in Kind}
    assert mixed.acceptable(0, len(mixed)) == sum(
        mixed.manifest.kinds[name] for name in ("regular", "replacement", "cancel")
    )


def test_replacements_raise_both_fees_by_the_bump_and_underpriced_ones_do_not() -> None:
    best: dict[tuple[int, int], tuple[int, int]] = {}
    for order in orders(MIXED, 3000):
        place, fees = (order.sender, order.nonce), (order.tip_cap, order.fee_cap)
        if order.kind in (Kind.REPLACEMENT, Kind.CANCEL):
            assert all(new * 100 >= old * 110 for new, old in zip(fees, best[place], strict=True))
        if order.kind is Kind.UNDERPRICED:
            assert any(new * 100 < old * 110 for new, old in zip(fees, best[place], strict=True))
        if order.kind in (Kind.REGULAR, Kind.REPLACEMENT, Kind.CANCEL):
            best[place] = fees


def test_nonces_start_at_zero_and_leave_no_hole_where_none_is_asked_for() -> None:
    held: dict[int, list[int]] = {}
    for order in orders(Recipe(senders=10, order="random", zipf=1.0, nonces=Nonces(shuffle_window=16)), 500):
        held.setdefault(order.sender, []).append(order.nonce)

    # What the window still holds at the end is missing from the end, not from the middle, but for the window itself.
    missing = sum(max(nonces) + 1 - len(nonces) for nonces in held.values())
    assert missing <= 16
    assert any(nonces != sorted(nonces) for nonces in held.values())


def test_busy_senders_send_most() -> None:
    by_sender = Counter(order.sender for order in orders(Recipe(senders=100, order="random", zipf=1.1), 5000))

    assert by_sender[0] > 10 * by_sender[50]


def test_blob_transactions_come_from_senders_of_their_own() -> None:
    recipe = Recipe(senders=20, types=Types(blob=50))
    blobs = {order.sender for order in orders(recipe, 300) if order.type == 3}

    assert min(blobs) >= recipe.senders
    assert max(blobs) < recipe.senders + blob_senders(recipe, 300)


def test_a_damaged_corpus_is_found_out(tmp_path: Path) -> None:
    prepare(Recipe(senders=2), 4, tmp_path, processes=1)
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(CorpusError, match="damaged"):
        Corpus(tmp_path)


def test_a_folder_without_a_corpus_is_none(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no corpus"):
        Corpus(tmp_path)
