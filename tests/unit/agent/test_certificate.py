"""The cluster's id is read from the node's certificate; `cryptography` is the witness."""

from __future__ import annotations

import contextlib
import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quorate.agent.join.certificate import Issued, read_certificate
from quorate.errors import Failed


def issue(subject: list[tuple[x509.ObjectIdentifier, str]], *, serial: int = 7) -> str:
    """A certificate as swarmkit's CA issues it: the issuer is CN=swarm-ca, without an organisation."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "swarm-ca")]))
        .subject_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in subject]))
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def swarm_subject(cluster: str, role: str) -> list[tuple[x509.ObjectIdentifier, str]]:
    return [
        (NameOID.ORGANIZATION_NAME, cluster),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, role),
        (NameOID.COMMON_NAME, "wf2ekbdhsd8i2p5z8mk9xq1ev"),
    ]


@given(
    cluster=st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=1, max_size=64),
    serial=st.integers(1, 2**159 - 1),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_organisation_and_unit_are_read_from_the_first_certificate(
    tmp_path: Path, cluster: str, serial: int
) -> None:
    path = tmp_path / "swarm-node.crt"
    chain = issue(swarm_subject(cluster, "swarm-worker"), serial=serial) + issue(swarm_subject("ca", "x"))
    path.write_text(chain)
    assert read_certificate(path) == Issued(cluster, "swarm-worker")


def test_without_a_file_there_was_no_membership(tmp_path: Path) -> None:
    assert read_certificate(tmp_path / "none.crt") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
        issue([(NameOID.COMMON_NAME, "a node without an organisation")]),
    ],
)
def test_what_is_no_node_certificate_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "swarm-node.crt"
    path.write_text(text)
    with pytest.raises(Failed, match="no node certificate"):
        read_certificate(path)


@given(cut=st.integers(0, 400))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_certificate_cut_short_is_refused_without_a_traceback(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "swarm-node.crt"
    whole = issue(swarm_subject("cluster", "swarm-manager"))
    path.write_text(whole[:cut] + "\n-----END CERTIFICATE-----\n")
    with contextlib.suppress(Failed):
        assert read_certificate(path) == Issued("cluster", "swarm-manager")
