"""Runs inside of a host, as whoever has taken it over: what its credentials can do against the cluster.

Prints, as JSON, for each attempt what came of it: `denied CODE`, or the error or the answer.
Arguments: the endpoint of AWS; the attempts on standard input, as [name, service, call, arguments].
"""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.request import Request, urlopen

METADATA = "http://169.254.169.254/latest"
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


def credentials() -> dict[str, str]:
    """Of the instance's role, from its metadata service."""
    ask = Request(
        f"{METADATA}/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    )
    token = {"X-aws-ec2-metadata-token": urlopen(ask, timeout=5).read().decode()}
    path = f"{METADATA}/meta-data/iam/security-credentials/"
    role = urlopen(Request(path, headers=token), timeout=5).read().decode()
    return json.loads(urlopen(Request(path + role, headers=token), timeout=5).read())


def main() -> None:
    import botocore.session
    from botocore.exceptions import ClientError

    held = credentials()
    session = botocore.session.Session()
    session.set_credentials(held["AccessKeyId"], held["SecretAccessKey"], held["Token"])
    clients: dict[str, Any] = {}
    outcome = {}
    for name, service, call, arguments in json.load(sys.stdin):
        if service not in clients:
            clients[service] = session.create_client(
                service, region_name="us-east-1", endpoint_url=sys.argv[1]
            )
        try:
            outcome[name] = repr(getattr(clients[service], call)(**arguments))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            outcome[name] = f"denied {code}" if code in DENIED else f"error {code}"
    print(json.dumps(outcome))


main()
