#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Starts charon with the settings of the input: strongswan.conf, a line "----", swanctl.conf.
# $1: a folder with certificates, or none. Prints its pid. One program for all of it, since the guest is slow at starting programs.
export STRONGSWAN_CONF=/run/strongswan.conf
[[ -d $1 ]] && cp -r "$1"/. /run # swanctl looks for them beside its file
file=$STRONGSWAN_CONF
: > /run/strongswan.conf
: > /run/swanctl.conf
while IFS= read -r line; do
  if [[ $line == ---- ]]; then file=/run/swanctl.conf; else printf '%s\n' "$line" >> "$file"; fi
done
setsid /usr/lib/ipsec/charon > /run/charon-out.log 2>&1 < /dev/null &
echo $!
exec {never}<> <(:)
for ((i = 0; i < 600; i++)); do
  [[ -S /run/charon.vici ]] && break
  read -r -t 0.05 -u "$never" _
done
exec swanctl --load-all --file /run/swanctl.conf > /run/swanctl.log 2>&1
