# One template, two targets: `amazon-ebs.node` makes an AMI, `qemu.node` the same node as a disk.

locals {
  name = "quorate-${var.role}-${var.build_time}"
  tags = {
    Name              = local.name
    "quorate:image"   = var.role
    "quorate:git"     = var.revision
    "quorate:engine"  = var.engine_version
    "quorate:built"   = var.build_time
    "quorate:base"    = var.source_ami_name
    "quorate:ssm"     = var.ssm_agent_package == "" ? "none" : var.ssm_agent_version
    "quorate:release" = "candidate"
  }
}

source "amazon-ebs" "node" {
  region        = var.region
  instance_type = var.instance_type
  subnet_id     = var.subnet_id
  source_ami_filter {
    owners      = [var.source_ami_owner]
    most_recent = true
    filters = {
      name                = var.source_ami_name
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }

  ami_name           = local.name
  ami_description    = "Quorate ${var.role} node: Docker Engine ${var.engine_version}"
  ami_regions        = var.copy_to_regions
  ami_users          = var.share_with_accounts
  ena_support        = true
  encrypt_boot       = true
  kms_key_id         = var.kms_key_id
  region_kms_key_ids = var.region_kms_key_ids
  tags               = local.tags
  snapshot_tags      = local.tags
  run_tags           = { Name = "${local.name}-build", "quorate:image" = var.role, "quorate:build" = var.build }
  run_volume_tags    = { Name = "${local.name}-build", "quorate:image" = var.role, "quorate:build" = var.build }

  ssh_username            = var.ssh_username
  ssh_interface           = var.ssh_host == "" ? var.ssh_interface : ""
  ssh_host                = var.ssh_host
  ssh_port                = var.ssh_port
  ssh_keypair_name        = var.ssh_keypair_name
  ssh_private_key_file    = var.ssh_private_key_file
  ssh_timeout             = var.ssh_timeout
  custom_endpoint_ec2     = var.endpoint_ec2
  skip_region_validation  = var.endpoint_ec2 != ""
  skip_metadata_api_check = var.endpoint_ec2 != ""
}

source "qemu" "node" {
  iso_url          = var.base_disk
  iso_checksum     = var.base_disk_sha256
  disk_image       = true
  format           = "qcow2"
  accelerator      = var.accelerator
  headless         = true
  output_directory = var.output_directory
  vm_name          = "disk.qcow2"
  qemuargs = [
    ["-kernel", var.base_kernel],
    ["-initrd", var.base_initrd],
    ["-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0"],
    ["-m", "1536M"],
    ["-smp", "2"],
    ["-cpu", "max"],
    ["-vga", "none"],
    # left to itself, qemu would halt the VM when this machine's disk is full, and the build would hang
    ["-drive", "file=${var.output_directory}/disk.qcow2,if=virtio,format=qcow2,cache=unsafe,discard=unmap,werror=report"],
  ]

  boot_wait            = "-1s"
  ssh_username         = var.ssh_username
  ssh_private_key_file = var.ssh_private_key_file
  ssh_timeout          = var.ssh_timeout
  shutdown_command     = "sudo systemctl poweroff"
  shutdown_timeout     = "15m"
}

build {
  sources = ["source.amazon-ebs.node", "source.qemu.node"]

  provisioner "ansible" {
    command          = var.ansible_playbook
    playbook_file    = "${path.root}/../../ansible/playbooks/image.yml"
    user             = var.ssh_username
    use_proxy        = false
    ansible_env_vars = ["ANSIBLE_CONFIG=${path.root}/../../ansible/ansible.cfg"]
    extra_arguments = [
      "--extra-vars", "image_role=${var.role}",
      "--extra-vars", "engine_source=${var.engine_source} engine_package=${var.engine_package} engine_version=${var.engine_version}",
      "--extra-vars", "image_bundle=${var.bundle}",
      "--extra-vars", "access_ssm_agent_package=${var.ssm_agent_package}",
    ]
  }

  # What its bill of materials is made of; a disk has both itself, an AMI could not be looked into later.
  provisioner "shell" {
    inline = ["cd / && tar -cf /tmp/installed.tar var/lib/dpkg/status $(find opt -path '*.dist-info/METADATA')"]
  }

  provisioner "file" {
    direction   = "download"
    source      = "/tmp/installed.tar"
    destination = var.installed
  }

  # The last step: what belongs to this build machine alone is taken off the disk.
  provisioner "shell" {
    script          = "${path.root}/seal.sh"
    execute_command = "sudo sh {{ .Path }} ${var.ssh_username}"
  }

  post-processor "manifest" {
    output     = var.manifest
    strip_path = true
    custom_data = {
      role           = var.role
      revision       = var.revision
      build_time     = var.build_time
      engine_version = var.engine_version
      ssm_agent      = var.ssm_agent_package == "" ? "none" : var.ssm_agent_version
      source_ami     = var.source_ami_name
    }
  }
}
