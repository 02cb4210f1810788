#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# First steps of the guest: its root is the host's own, read-only. Then start.sh goes on, with
# programs of the host.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
for module in $($b cat /order); do $b insmod "/$module"; done
# hostfs is of user-mode-linux; of others, qemu passes the folder on.
$b mount -t hostfs -r -o / host /host 2> /dev/null ||
  $b mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=262144,cache=loose host /host
for option in $($b cat /proc/cmdline); do
  case $option in guest.start=*) start=${option#*=} ;; esac
done
$b mount --move /dev /host/dev
$b mount --move /proc /host/proc
exec $b switch_root /host "$start"
