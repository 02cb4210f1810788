# SPDX-License-Identifier: Apache-2.0
# Made by polyetherctl --completion-script.
_polyetherctl()
{
  local current=${COMP_WORDS[COMP_CWORD]} said='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
    --state|--socket|--server|--hub|--password-file|--fingerprint|--ca) ((i++)) ;;
    -*) ;;
    *) said+="${said:+ }${COMP_WORDS[i]}" ;;
    esac
  done
  case $said in
    '') words='server listener hub user group access address-set source session mac ip-table ca bridge securenat openvpn log syslog capture sstp ipsec router crl ban radius rpc --state --socket --server --hub --password-file --fingerprint --ca --json --help --version' ;;
    'server') words='info status caps flush password cert' ;;
    'server password') words='set' ;;
    'server cert') words='show set regenerate' ;;
    'listener') words='list add delete enable disable' ;;
    'hub') words='list create show set online offline policy option admin-option message delete' ;;
    'hub policy') words='show set' ;;
    'hub option') words='list set' ;;
    'hub admin-option') words='list set' ;;
    'hub message') words='show set' ;;
    'user') words='list create set show delete totp' ;;
    'user totp') words='create show delete' ;;
    'group') words='list create set show delete' ;;
    'access') words='list add set enable disable delete clear test' ;;
    'address-set') words='list set delete' ;;
    'source') words='list set' ;;
    'session') words='list show disconnect' ;;
    'mac') words='list delete' ;;
    'ip-table') words='list delete' ;;
    'ca') words='list add delete' ;;
    'bridge') words='list devices create delete' ;;
    'securenat') words='enable disable show set status leases flows' ;;
    'openvpn') words='show set export key' ;;
    'openvpn key') words='show' ;;
    'log') words='show set server status files read' ;;
    'log server') words='show set' ;;
    'syslog') words='show set' ;;
    'capture') words='' ;;
    'sstp') words='show enable disable' ;;
    'ipsec') words='show set peers' ;;
    'router') words='list add show delete' ;;
    'crl') words='list add show delete' ;;
    'ban') words='list delete allow disallow allowed' ;;
    'radius') words='show set test' ;;
    'rpc') words='' ;;
    'server password set'*) words='--password-stdin --password-file' ;;
    'server cert set'*) words='--cert --key' ;;
    'server cert regenerate'*) words='--cn' ;;
    'hub create'*) words='--max-sessions --no-enum --offline --password-stdin --password-file' ;;
    'hub set'*) words='--max-sessions --no-enum --enum --password --password-stdin --password-file' ;;
    'hub policy set'*) words='--policy --no-policy' ;;
    'hub message set'*) words='--file' ;;
    'user create'*) words='--password-stdin --password-file --anonymous --cert --signed-cert --cn --radius --domain --external-name --serial --realname --note --group --address4 --address6 --expires --policy' ;;
    'user set'*) words='--password-stdin --password-file --anonymous --cert --signed-cert --cn --radius --domain --external-name --serial --realname --note --group --address4 --address6 --expires --policy --password --no-group --no-policy' ;;
    'user totp create'*) words='--algorithm --digits' ;;
    'group create'*) words='--realname --note --policy' ;;
    'group set'*) words='--realname --note --policy --no-policy' ;;
    'access add'*) words='--priority --src --dst --ipv6 --protocol --src-port --dst-port --src-user --dst-user --src-mac --dst-mac --tcp-state --delay --jitter --loss --redirect --note --disabled' ;;
    'access set'*) words='--priority --src --dst --ipv6 --protocol --src-port --dst-port --src-user --dst-user --src-mac --dst-mac --tcp-state --delay --jitter --loss --redirect --note --pass --discard' ;;
    'access test'*) words='--src --dst --protocol --src-port --dst-port --src-user --dst-user --established' ;;
    'source set'*) words='--allow --deny --clear' ;;
    'bridge create'*) words='--tap' ;;
    'securenat set'*) words='--ip --pool --lease --gateway --dns --domain --routes --reserve --no-reservations --nat --no-nat --nat-mode --dhcp --no-dhcp --ip6 --no-ip6 --dhcp6 --no-dhcp6 --mtu --tcp-timeout --udp-timeout --log --no-log' ;;
    'openvpn set'*) words='--enable --disable --udp-ports --default-hub --ciphers --allow-cbc --no-cbc --require-client-cert --no-client-cert --control --tls-auth-digest --redirect-gateway --no-redirect-gateway --block-outside-dns --no-block-outside-dns --ping --ping-restart --renegotiate --mtu' ;;
    'openvpn export'*) words='--output --tap --control --host --user-cert --user-key' ;;
    'log set'*) words='--security --security-switch --security-keep-days --security-keep-megabytes --packet --packet-switch --packet-keep-days --packet-keep-megabytes --packet-level --max-megabytes' ;;
    'log server set'*) words='--file --switch --keep-days --keep-megabytes --max-megabytes --format --compress' ;;
    'log read'*) words='--follow' ;;
    'syslog set'*) words='--send --host --port --transport --ca' ;;
    'ipsec set'*) words='--l2tp --ethernet --plain-l2tp --psk-stdin --psk-file --weak --raw-esp --default-hub --dpd --public-address' ;;
    'router add'*) words='--psk-stdin --psk-file --aggressive --static-l2tpv3 --local-cookie --peer-cookie --sublayer' ;;
    'crl add'*) words='--cert --cn --organization --unit --country --state --locality --serial --md5 --sha1' ;;
    'radius set'*) words='--servers --secret-stdin --secret-file --port --interval --timeout --accounting --accounting-port --interim --message-authenticator --nas-identifier' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o default -F _polyetherctl polyetherctl
