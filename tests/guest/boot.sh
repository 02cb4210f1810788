#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# First steps of the guest: its root is the host's own, read-only. Then start.sh goes on, with
# programs of the host.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
$b mount -t hostfs -r -o / host /host
for option in $($b cat /proc/cmdline); do
  case $option in guest.start=*) start=${option#*=} ;; esac
done
$b mount --move /dev /host/dev
$b mount --move /proc /host/proc
exec $b switch_root /host "$start"
