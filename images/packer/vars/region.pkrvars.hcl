# Where AMIs are built, and which other regions get copies.
region          = "us-east-1"
copy_to_regions = []
instance_type   = "t3.small"
