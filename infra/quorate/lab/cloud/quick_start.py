"""Import moto's EC2 in half of its time.

Its module of regions reads botocore's table of endpoints once for each of three sessions (0.3 s): here they
are one session. Its thousands of public images are not loaded: a lab's image is a name in a launch template.
"""

from __future__ import annotations

from importlib import import_module

import boto3
import moto.core.base_backend
import moto.settings

moto.settings.DISABLE_GLOBAL_CORS = True  # a browser's concern, and a hook on every request


def _import_with_one_session() -> None:
    several = boto3.Session
    one = several()
    boto3.Session = lambda: one  # type: ignore[assignment,misc]
    try:
        import_module("moto.ec2.models")
    finally:
        boto3.Session = several  # type: ignore[misc]


def without_images() -> None:
    """No public image is known from now on."""
    moto.settings.ec2_load_default_amis = lambda: False


_import_with_one_session()
