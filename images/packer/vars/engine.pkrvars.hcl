# The Docker Engine. From Debian: docker.io at Debian's version. From Docker's own repository
# (engine_source = "docker"): docker-ce at a version such as 5:27.5.1-1~debian.12~bookworm.
engine_source  = "debian"
engine_package = "docker.io"
engine_version = "20.10.24+dfsg1-1+deb12u1+b6"
