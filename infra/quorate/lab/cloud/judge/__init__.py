"""Every AWS call of a host, judged by its role's policies as IAM would."""

from quorate.lab.cloud.judge.iam import Iam

__all__ = ["Iam"]
