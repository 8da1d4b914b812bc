"""Debian packages and a signed repository of them, made on the spot; served on loopback."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from quorate.operations.image.programs import output_of

CONTROL = """Package: {name}
Version: {version}
Architecture: amd64
Maintainer: Test <test@example.invalid>
Description: {name} for a test
"""


def make_package(folder: Path, name: str, version: str, files: Mapping[str, str]) -> Path:
    """A .deb of that name and version with these files."""
    tree = folder / f"{name}-tree"
    for path, text in {**files, "DEBIAN/control": CONTROL.format(name=name, version=version)}.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    package = folder / f"{name}.deb"
    output_of(["dpkg-deb", "--root-owner-group", "-b", tree, package])
    return package


def make_repository(top: Path, package: Path) -> str:
    """`top` as a repository of that package, its key beside it as key.asc; the key's fingerprint."""
    home = top.parent / "gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    output_of([*gpg, "--quick-generate-key", "test@example.invalid", "ed25519", "sign", "never"])
    keys = output_of([*gpg, "--list-keys", "--with-colons"])
    fingerprint = next(line.split(":")[9] for line in keys.splitlines() if line.startswith("fpr:"))
    index = top / "dists/bookworm/stable/binary-amd64"
    index.mkdir(parents=True)
    (top / "key.asc").write_text(output_of([*gpg, "--armor", "--export", fingerprint]))
    (top / package.name).write_bytes(package.read_bytes())
    about = output_of(["dpkg-deb", "-f", package]).strip()
    checksum = hashlib.sha256(package.read_bytes()).hexdigest()
    entry = f"{about}\nFilename: {package.name}\nSize: {package.stat().st_size}\nSHA256: {checksum}\n"
    (index / "Packages").write_text(entry)
    (index / "Packages.gz").write_bytes(gzip.compress(entry.encode()))
    release = "Suite: bookworm\nCodename: bookworm\nArchitectures: amd64\nComponents: stable\nSHA256:\n"
    for name in ("Packages", "Packages.gz"):
        body = (index / name).read_bytes()
        release += f" {hashlib.sha256(body).hexdigest()} {len(body)} stable/binary-amd64/{name}\n"
    (top / "Release").write_text(release)
    signed = top / "dists/bookworm/InRelease"
    output_of([*gpg, "--clearsign", "--output", signed, top / "Release"])
    output_of(["gpgconf", "--homedir", home, "--kill", "gpg-agent"])
    return fingerprint


@contextmanager
def served(top: Path) -> Iterator[str]:
    """The folder at an address on loopback."""
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=str(top)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
