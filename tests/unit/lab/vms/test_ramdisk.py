from __future__ import annotations

import subprocess
from pathlib import Path

from quorate.lab.vms.ramdisk import with_files


def test_the_added_archive_is_one_that_cpio_reads(tmp_path: Path) -> None:
    # given a ramdisk whose length is no multiple of four
    initrd = tmp_path / "initrd"
    initrd.write_bytes(b"first" * 3)
    # when files are added
    target = with_files(initrd, tmp_path / "with", {"systemd/system/a.service": "[Unit]\n"})
    # then it begins as it was, and busybox's cpio unpacks what follows
    body = target.read_bytes()
    assert body.startswith(b"first" * 3) and body[16:22] == b"070701"
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(
        ["/bin/busybox", "cpio", "-idu"], cwd=out, input=body[16:], check=True, capture_output=True
    )
    assert (out / "quorate-lab/systemd/system/a.service").read_text() == "[Unit]\n"
    script = out / "scripts/init-bottom/quorate-lab"
    assert script.stat().st_mode & 0o111
    assert "/scripts/init-bottom/udev" in (out / "scripts/init-bottom/ORDER").read_text()
