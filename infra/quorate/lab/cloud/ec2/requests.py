"""The EC2 API over HTTP, where moto's answers are not AWS's."""

from __future__ import annotations

from typing import Any, ClassVar

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response
from moto.ec2.utils import parse_user_data


class Response(EC2Response):
    """moto's EC2 actions; Auto Scaling is not told of a termination, it notices."""

    def terminate_instances(self) -> ActionResult:
        self.error_on_dryrun()
        terminated = self.ec2_backend.terminate_instances(self._get_param("InstanceIds", []))
        return ActionResult(
            {
                "TerminatingInstances": [
                    {
                        "InstanceId": instance.id,
                        "CurrentState": {"Code": 32, "Name": "shutting-down"},
                        "PreviousState": previous,
                    }
                    for instance, previous in terminated
                ]
            }
        )

    def create_launch_template_version(self) -> ActionResult:
        """A version begins with its SourceVersion's data (EC2 API Reference, CreateLaunchTemplateVersion)."""
        answer = super().create_launch_template_version()
        result: Any = answer.result
        made = result["LaunchTemplateVersion"]
        template = self.ec2_backend.get_launch_template(made["LaunchTemplateId"])
        version = template.get_version(made["VersionNumber"])
        source = self._get_param("SourceVersion")
        if source:
            former = template.get_version(source)
            if "TagSpecifications" not in version.data:
                version.instance_tags = former.instance_tags
            given = dict(version.data)
            version.data.update(former.data)
            version.data.update(given)
        if isinstance(version.data.get("UserData"), str):
            version.data["UserData"] = parse_user_data(version.data["UserData"])
        return answer


class Urls:
    """Where moto looks for the handlers of a backend's service."""

    url_bases: ClassVar[list[str]] = [r"https?://ec2\.(.+)\.amazonaws\.com(|\.cn)"]
    url_paths: ClassVar[dict[str, Any]] = {"{0}/": Response.dispatch}
