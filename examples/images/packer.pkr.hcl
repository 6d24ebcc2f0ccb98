# Two ways to an image by Packer: `packer init . && packer build .`
#
#   chroot: a root that Packer mounts on the building machine (amazon-chroot; others of that kind look alike). bulkhead runs on the
#           building machine, on the files of that root: apply --root.
#   qemu:   the image is booted, and bulkhead runs in it, on the running system, as on any host. The package bulkhead comes from the
#           building machine (`make deb`); from a repository of yours, set that up first, and the package's name is enough.
packer {
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.3.0"
    }
    qemu = {
      source  = "github.com/hashicorp/qemu"
      version = ">= 1.1.0"
    }
  }
}

variable "plan" {
  type    = string
  default = "plan.yaml"
}

variable "package" {
  type    = string
  default = "bulkhead.deb"
}

variable "source_ami" {
  type    = string
  default = "ami-00000000000000000"
}

variable "mount_path" {
  type    = string
  default = "/mnt/docker-host"
}

variable "cloud_image" {
  type    = string
  default = "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2"
}

source "amazon-chroot" "host" {
  ami_name   = "docker-host"
  source_ami = var.source_ami
  mount_path = var.mount_path
}

source "qemu" "host" {
  iso_url          = var.cloud_image
  iso_checksum     = "file:https://cloud.debian.org/images/cloud/bookworm/latest/SHA512SUMS"
  disk_image       = true
  headless         = true
  ssh_username     = "debian"
  ssh_password     = "packer"
  # The stock image has no password to log in by: a NoCloud seed brings one (xorriso, or its like, makes the disc). The image doesn't
  # keep it: shutdown_command locks it, and takes back what let ssh ask for it.
  cd_label = "cidata"
  cd_content = {
    "meta-data" = "instance-id: packer\n"
    "user-data" = <<-END
      #cloud-config
      password: packer
      chpasswd: {expire: false}
      ssh_pwauth: true
    END
  }
  shutdown_command = "sudo sh -ec 'passwd --lock debian; rm -f /etc/ssh/sshd_config.d/50-cloud-init.conf; cloud-init clean --logs --machine-id; poweroff'"
}

build {
  name    = "chroot"
  sources = ["source.amazon-chroot.host"]

  provisioner "shell" {
    inline = ["apt-get update", "apt-get install -y docker.io"]
  }

  provisioner "shell-local" {
    environment_vars = ["PLAN=${var.plan}"]
    inline           = ["./mmdebstrap-hook '${var.mount_path}'"]
  }
}

build {
  name    = "qemu"
  sources = ["source.qemu.host"]

  provisioner "file" {
    source      = var.plan
    destination = "/tmp/plan.yaml"
  }

  provisioner "file" {
    source      = var.package
    destination = "/tmp/bulkhead.deb"
  }

  provisioner "shell" {
    execute_command = "sudo sh -eu '{{ .Path }}'"
    inline = [
      "cloud-init status --wait",
      "apt-get update",
      "apt-get install -y docker.io /tmp/bulkhead.deb",
      "install -D -m 0644 /tmp/plan.yaml /etc/bulkhead/plan.yaml",
      "bulkhead apply",
      "bulkhead check --quiet",
      # A preset, too: the image's first boot, without a machine-id, may set all units to theirs, and the package's are off.
      "install -d -m 0755 /etc/systemd/system-preset",
      "echo 'enable bulkhead-boot.service' >/etc/systemd/system-preset/50-bulkhead.preset",
      "systemctl enable bulkhead-boot.service",
    ]
  }
}
