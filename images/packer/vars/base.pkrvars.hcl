# The image to start from, by owner and exact name: both are the same in every region.
# Written by `scripts/build-image pin`, which takes the owner's newest debian-12-amd64-*.
source_ami_owner = "136693071363"
source_ami_name  = "debian-12-amd64-20250316-2053"
