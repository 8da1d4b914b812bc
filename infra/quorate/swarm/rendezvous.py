"""The table's items, through which nodes that do not know each other meet: plan, claim, epoch.

Reads are consistent, writes conditional. The claim is the cluster's memory that it exists: whoever holds
it alone may call init, and once it is READY nobody ever does again.
"""

from __future__ import annotations

from typing import Any, Protocol

from quorate.swarm.aws import Aws, ConditionFailed
from quorate.swarm.snapshot import Claim, Plan, read_plan


class ClaimStore(Protocol):
    """What the claim protocol needs; each write says whether it was made."""

    def read_plan(self) -> Plan | None: ...
    def read_claim(self) -> Claim | None: ...
    def create_claim(self, claim: Claim) -> bool: ...
    def replace_claim(self, nonce: str, claim: Claim) -> bool: ...


class Rendezvous:
    """One cluster's table. Raises what Aws raises."""

    def __init__(self, aws: Aws, table: str) -> None:
        self._aws = aws
        self._table = table

    def read_plan(self) -> Plan | None:
        """The plan; None if Pulumi has not written it yet."""
        item = self._aws.get_item(self._table, "plan")
        return read_plan(item["document"]["S"]) if item else None

    def read_claim(self) -> Claim | None:
        item = self._aws.get_item(self._table, "claim")
        if item is None:
            return None
        return Claim(
            state=item["state"]["S"],
            owner=item.get("owner", {}).get("S", ""),
            nonce=item.get("nonce", {}).get("S", ""),
            expiry=float(item.get("expiry", {}).get("N", "0")),
            cluster_id=item.get("cluster_id", {}).get("S", ""),
            addresses=tuple(one["S"] for one in item.get("addresses", {}).get("L", [])),
        )

    def create_claim(self, claim: Claim) -> bool:
        """Write the claim if there is none."""
        return self._put(_claim_item(claim), "attribute_not_exists(id)")

    def replace_claim(self, nonce: str, claim: Claim) -> bool:
        """Write the claim over the CREATING one with this nonce."""
        return self._put(
            _claim_item(claim),
            "#state = :creating AND nonce = :nonce",
            {"#state": "state"},
            {":creating": {"S": "CREATING"}, ":nonce": {"S": nonce}},
        )

    def publish_addresses(self, claim: Claim) -> bool:
        """Write new addresses over this cluster's own READY claim, or where the claim was lost."""
        return self._put(
            _claim_item(claim),
            "attribute_not_exists(id) OR (#state = :ready AND cluster_id = :cluster)",
            {"#state": "state"},
            {":ready": {"S": "READY"}, ":cluster": {"S": claim.cluster_id}},
        )

    def take_epoch(self, holder: str) -> int | None:
        """Begin a new epoch after the one that is there; None if somebody else just did."""
        item = self._aws.get_item(self._table, "epoch")
        number = int(item["number"]["N"]) if item else 0
        new = {"id": {"S": "epoch"}, "number": {"N": str(number + 1)}, "holder": {"S": holder}}
        if item is None:
            made = self._put(new, "attribute_not_exists(id)")
        else:
            made = self._put(new, "#n = :n", {"#n": "number"}, {":n": {"N": str(number)}})
        return number + 1 if made else None

    def hold_epoch(self, holder: str, number: int) -> bool:
        """Write the epoch again if it is still this holder's: a leader that was replaced finds out here."""
        item = {"id": {"S": "epoch"}, "number": {"N": str(number)}, "holder": {"S": holder}}
        return self._put(
            item,
            "#n = :n AND holder = :holder",
            {"#n": "number"},
            {":n": {"N": str(number)}, ":holder": {"S": holder}},
        )

    def _put(
        self,
        item: dict[str, Any],
        condition: str,
        names: dict[str, str] | None = None,
        values: dict[str, Any] | None = None,
    ) -> bool:
        try:
            self._aws.put_item(self._table, item, condition, names, values)
        except ConditionFailed:
            return False
        return True


def _claim_item(claim: Claim) -> dict[str, Any]:
    item: dict[str, Any] = {"id": {"S": "claim"}, "state": {"S": claim.state}}
    if claim.ready:
        item["cluster_id"] = {"S": claim.cluster_id}
        item["addresses"] = {"L": [{"S": address} for address in claim.addresses]}
    else:
        item |= {
            "owner": {"S": claim.owner},
            "nonce": {"S": claim.nonce},
            "expiry": {"N": str(int(claim.expiry))},
        }
    return item
