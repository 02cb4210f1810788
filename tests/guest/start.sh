#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The rest of the guest's start, behind boot.sh: what can be written is in RAM, the network is up,
# agent.py does what the test asks for. guest.address= is of eth0, guest.here= our folder.
exec < /dev/console > /dev/console 2>&1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root TMPDIR=/run
for option in $(< /proc/cmdline); do
  case $option in
    guest.address=*) address=${option#*=} ;;
    guest.delay=*) delay=${option#*=} ;;
    guest.modules=*) modules=${option#*=} ;;
    guest.here=*) here=${option#*=} ;;
  esac
done
mount -t sysfs sys /sys
mkdir -p /dev/pts
ln -s /proc/self/fd /dev/fd
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/modules/lib/modules /run/sstpc /run/lock
ln -s "$modules/$(uname -r)" /run/modules/lib/modules/
# What the kernel asks for by itself: ciphers, protocols, kinds of devices.
printf '#!/bin/sh\nexec /sbin/modprobe -d /run/modules "$@"\n' > /run/modprobe
chmod +x /run/modprobe
echo /run/modprobe > /proc/sys/kernel/modprobe
modprobe -d /run/modules -a ipv6 sch_netem ppp_generic ppp_async pppox l2tp_ppp xfrm_user esp4 macvlan \
  tun authenc cbc echainiv ctr gcm iptable_nat xt_MASQUERADE ghash-generic seqiv des_generic sha512_generic
cp -a /etc/ppp /run/ppp-settings
mount --bind /run/ppp-settings /etc/ppp
ip link set lo up
[[ ! -e /sys/class/net/vec0 ]] || ip link set vec0 name eth0
ip addr add "$address" dev eth0
ip link set eth0 up
# No server answers before sstpc waits for it (tests/interop/guest.py).
[[ $delay == 0 ]] || tc qdisc add dev eth0 root netem delay "${delay}ms"
python3 -B "$here/agent.py"
echo o > /proc/sysrq-trigger
sleep 10
