# Snapshots are always encrypted. An image that other accounts shall boot needs a customer key that
# they may use (an AWS-managed key cannot be shared), one per region that it is copied to.
kms_key_id          = "alias/aws/ebs"
region_kms_key_ids  = {}
share_with_accounts = []
