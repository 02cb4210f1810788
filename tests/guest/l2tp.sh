#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# l2tp.sh SECONDS: starts xl2tpd with the settings of the input (xl2tpd.conf, a line "----", options
# of pppd) and calls. Prints its pid and, once pppd has an address, "up".
file=/run/xl2tpd.conf
: > /run/xl2tpd.conf
: > /run/ppp-options
: > /run/pppd.log
while IFS= read -r line; do
  if [[ $line == ---- ]]; then file=/run/ppp-options; else printf '%s\n' "$line" >> "$file"; fi
done
setsid xl2tpd -D -c /run/xl2tpd.conf > /run/xl2tpd.log 2>&1 < /dev/null &
echo $!
control=/run/xl2tpd/l2tp-control
exec {never}<> <(:)
until [[ -p $control || $SECONDS -gt 20 ]]; do read -r -t 0.05 -u "$never" _; done
echo "c lab" > "$control"
end=$((SECONDS + $1))
while [[ $SECONDS -lt $end ]]; do
  mapfile -t log < /run/pppd.log
  case "${log[*]}" in
    *"ip-up started"*) echo up; exit ;;
    *"authentication failed"*) break ;;
  esac
  read -r -t 0.1 -u "$never" _
done
