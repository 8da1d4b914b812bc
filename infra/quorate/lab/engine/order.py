"""Who must go before whom, and deleting side by side as far as that allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final

from quorate.lab.engine.state import Resource

WORKERS: Final = 32
"""Deletes under way at once; most of them wait for AWS."""


def dependents(resources: Iterable[Resource], urn: str) -> list[Resource]:
    """All that stands, directly or not, on a URN; in the order of the resources."""
    reached = {urn}
    found: list[Resource] = []
    pool = list(resources)
    grew = True
    while grew:
        fresh = [each for each in pool if each.urn not in reached and each.needs & reached]
        reached |= {each.urn for each in fresh}
        found += fresh
        grew = bool(fresh)
    return sorted(found, key=pool.index)


def delete_all(
    resources: Iterable[Resource], delete: Callable[[Resource], bool], halted: Callable[[], bool]
) -> None:
    """Deletes each as soon as nothing stands on it any more.

    `delete` says whether it succeeded; what a failed one stands on stays. Nothing begins once `halted()`.
    """
    left = list(resources)
    holders = {id(each): _standing_on(each, left) for each in left}
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="delete") as pool:
        running: dict[Future[bool], Resource] = {}
        while True:
            if not halted():
                for each in [each for each in left if not holders[id(each)]]:
                    left.remove(each)
                    running[pool.submit(delete, each)] = each
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                gone = running.pop(future)
                if future.result():
                    for waiting in holders.values():
                        waiting.discard(id(gone))


def _standing_on(resource: Resource, among: list[Resource]) -> set[int]:
    return {id(each) for each in among if each is not resource and resource.urn in each.needs}
