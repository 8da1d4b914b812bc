#!/bin/sh
# Takes off the disk what belongs to the build alone; nothing may run on it after this but the shutdown.
# Argument: the account that the build logged in with.
set -eu
build_user=$1

# the random seed is written when its unit stops, so that comes before it is taken away
systemctl stop docker.socket docker containerd systemd-random-seed 2>/dev/null || true
# from here on the journal is kept in memory, through the shutdown too: stopped, it would only be started again
journalctl --relinquish-var 2>/dev/null || true
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/lib/dpkg/*-old
rm -rf /var/lib/docker /var/lib/containerd /etc/docker/key.json
rm -rf /var/lib/cloud /etc/cloud /etc/netplan
rm -rf /root/.ansible /root/.cache /root/.ssh /root/.bash_history
home=$(getent passwd "$build_user" | cut -d: -f6)
rm -rf "$home/.ansible" "$home/.cache" "$home/.ssh" "$home/.bash_history" "$home/.sudo_as_admin_successful"
rm -f /etc/ssh/ssh_host_* /var/lib/systemd/random-seed /var/lib/systemd/credential.secret /var/lib/dbus/machine-id
rm -f /etc/sudoers.d/90-cloud-init-users /etc/systemd/network/10-build.network
rm -rf /var/lib/amazon /var/log/amazon /var/lib/systemd/timesync /var/lib/systemd/network
find /var/log -type f -delete
rm -rf /var/log/journal/*
find /tmp /var/tmp -mindepth 1 -delete 2>/dev/null || true
: >/etc/machine-id
rm -f /etc/hostname
echo localhost >/etc/hostname
fstrim -a 2>/dev/null || true
sync
