"""Which swarm issued a node's certificate: its subject's organisation is the cluster's id.

A worker's API has no cluster id (it is null there), so this file is how a node knows where it has ended up.
Only the subject is read, by walking the certificate's DER (X.690; RFC 5280 section 4.1): for one field of a
file that the engine itself wrote, a cryptography package on every node would be much to keep patched.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quorate.errors import Failed

CERTIFICATE = Path("/var/lib/docker/swarm/certificates/swarm-node.crt")
ORGANISATION = bytes.fromhex("55040a")  # 2.5.4.10
UNIT = bytes.fromhex("55040b")  # 2.5.4.11
SEQUENCE, SET, OBJECT_ID, EXPLICIT_VERSION = 0x30, 0x31, 0x06, 0xA0
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class Issued:
    """What the certificate says: the cluster's id and the node's role (swarm-worker, swarm-manager)."""

    cluster_id: str
    role: str


def read_certificate(path: Path = CERTIFICATE) -> Issued | None:
    """What the node's certificate says; None if there is none; Failed if it cannot be read."""
    try:
        text = path.read_text("ascii")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise Failed(f"{path}: {error}") from error
    try:
        body = text.split(BEGIN, 1)[1].split(END, 1)[0]
        names = _subject(base64.b64decode("".join(body.split()), validate=True))
        return Issued(cluster_id=names[ORGANISATION], role=names.get(UNIT, ""))
    except (IndexError, KeyError, ValueError, binascii.Error) as error:
        raise Failed(f"{path}: this is no node certificate with an organisation in its subject") from error


def _subject(der: bytes) -> dict[bytes, str]:
    (certificate,) = _children(der)
    signed = next(_children(certificate[1]))
    parts = [part for part in _children(signed[1]) if part[0] != EXPLICIT_VERSION]
    subject = parts[4]  # serial number, algorithm, issuer, validity, subject
    names: dict[bytes, str] = {}
    for tag, relative in _children(subject[1]):
        if tag != SET:
            raise ValueError("a name is a sequence of sets")
        for _, pair in _children(relative):
            (_, kind), (_, value) = _children(pair)
            names[kind] = value.decode("utf-8")
    return names


def _children(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements side by side in `der`: tag and content each."""
    at = 0
    while at < len(der):
        tag, length = der[at], der[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(der[at : at + size], "big")
            at += size
        if at + length > len(der):
            raise ValueError("an element is longer than what holds it")
        yield tag, der[at : at + length]
        at += length
