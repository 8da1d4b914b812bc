# What a build is told. Values stand in vars/, one file per concern; the command adds what it worked out.

variable "role" {
  type        = string
  description = "What the image is for: manager or worker."
}

variable "revision" {
  type        = string
  description = "Git revision of the sources, with -dirty when the checkout was."
}

variable "build_time" {
  type        = string
  description = "UTC, as 20260131T235959Z."
}

variable "build" {
  type        = string
  description = "Drawn anew for each build: what it starts on AWS is known by it."
}

variable "bundle" {
  type        = string
  description = "The agent with its locked dependencies: a .tar that needs no network to install."
}

variable "ansible_playbook" {
  type        = string
  description = "The ansible-playbook to run."
}

variable "manifest" {
  type        = string
  description = "Where the manifest of the build goes."
}

variable "installed" {
  type        = string
  description = "Where the lists of what is installed go, a .tar."
}

# vars/engine.pkrvars.hcl
variable "engine_source" {
  type = string
}

variable "engine_package" {
  type = string
}

variable "engine_version" {
  type = string
}

# vars/access.pkrvars.hcl, and the package that was fetched by it
variable "ssm_agent_version" {
  type    = string
  default = ""
}

variable "ssm_agent_sha256" {
  type    = string
  default = ""
}

variable "ssm_agent_url" {
  type    = string
  default = ""
}

variable "ssm_agent_package" {
  type        = string
  default     = ""
  description = "The package as a file; empty: an image without the SSM agent."
}

# vars/base.pkrvars.hcl
variable "source_ami_owner" {
  type = string
}

variable "source_ami_name" {
  type = string
}

variable "ssh_username" {
  type    = string
  default = "admin"
}

# vars/region.pkrvars.hcl
variable "region" {
  type = string
}

variable "copy_to_regions" {
  type    = list(string)
  default = []
}

variable "instance_type" {
  type = string
}

variable "subnet_id" {
  type    = string
  default = ""
}

variable "ssh_interface" {
  type    = string
  default = "public_ip"
}

# vars/encryption.pkrvars.hcl
variable "kms_key_id" {
  type = string
}

variable "region_kms_key_ids" {
  type    = map(string)
  default = {}
}

variable "share_with_accounts" {
  type    = list(string)
  default = []
}

# A stand-in for AWS: all of these are empty on AWS.
variable "endpoint_ec2" {
  type    = string
  default = ""
}

variable "ssh_host" {
  type    = string
  default = ""
}

variable "ssh_port" {
  type    = number
  default = 22
}

variable "ssh_keypair_name" {
  type    = string
  default = ""
}

variable "ssh_private_key_file" {
  type    = string
  default = ""
}

# The local disk
variable "base_disk" {
  type    = string
  default = ""
}

variable "base_disk_sha256" {
  type    = string
  default = ""
}

variable "base_kernel" {
  type    = string
  default = ""
}

variable "base_initrd" {
  type    = string
  default = ""
}

variable "output_directory" {
  type    = string
  default = "output"
}

variable "accelerator" {
  type    = string
  default = "tcg"
}

variable "ssh_timeout" {
  type    = string
  default = "5m"
}
