# The SSM agent: version and checksum are written together by `scripts/build-image pin`.
# Empty: not pinned yet, and no AMI is built without saying --without-ssm-agent.
ssm_agent_version = ""
ssm_agent_sha256  = ""
ssm_agent_url     = "https://s3.us-east-1.amazonaws.com/amazon-ssm-us-east-1/{version}/debian_amd64/amazon-ssm-agent.deb"
