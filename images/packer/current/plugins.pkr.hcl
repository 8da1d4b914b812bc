# What Packer 1.7 and later want and Debian's 1.6.6 rejects. The build adds this file to the template
# when the Packer it finds is new enough, and runs `packer init`; nothing else differs.
packer {
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.2.0"
    }
    ansible = {
      source  = "github.com/hashicorp/ansible"
      version = ">= 1.1.0"
    }
    qemu = {
      source  = "github.com/hashicorp/qemu"
      version = ">= 1.0.9"
    }
  }
}
