# SPDX-License-Identifier: Apache-2.0
# Completion of polyether for bash.

_polyether_accounts()
{
    polyether "$@" account list 2>/dev/null | sed 's/  .*//'
}

_polyether()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local common="--state --socket --json --help"
    local fields="--server --hub --user --password-stdin --password-file --plain-password
        --anonymous --cert --key --connections --half-duplex --no-half-duplex --compress
        --no-compress --super-frames --no-super-frames --proxy --proxy-password-file --adapter
        --address --gateway --route --no-routes --all-traffic --no-all-traffic --accept-routes
        --no-accept-routes --startup --no-startup --trust --ca --mark"
    local i word command=() where=()
    COMPREPLY=()

    case $prev in
    --password-file | --cert | --key | --proxy-password-file | --ca | --socket)
        COMPREPLY=($(compgen -f -- "$cur"))
        return ;;
    --state)
        COMPREPLY=($(compgen -d -- "$cur"))
        return ;;
    --address)
        COMPREPLY=($(compgen -W "dhcp none" -- "$cur"))
        return ;;
    --trust)
        COMPREPLY=($(compgen -W "ask system sha256:" -- "$cur"))
        return ;;
    --proxy)
        COMPREPLY=($(compgen -W "none http:// socks4:// socks5://" -- "$cur"))
        return ;;
    --server | --hub | --user | --connections | --adapter | --gateway | --route | --mark | \
        --wait | --rename)
        return ;;
    esac

    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --state | --socket)
            where=("$word" "${COMP_WORDS[i+1]}")
            ((i++)) ;;
        -*) ;;
        *) command+=("$word") ;;
        esac
    done

    case "${command[*]:0:2}" in
    "") COMPREPLY=($(compgen -W "account up down status $common --version" -- "$cur")) ;;
    account) COMPREPLY=($(compgen -W "add list show set delete" -- "$cur")) ;;
    "account add") COMPREPLY=($(compgen -W "$fields $common" -- "$cur")) ;;
    "account list") COMPREPLY=($(compgen -W "$common" -- "$cur")) ;;
    *)
        local options=$common
        [[ ${command[*]:0:2} == "account set" ]] && options="$fields --rename $common"
        [[ ${command[0]} == up ]] && options="--yes --wait $common"
        if [[ $cur == -* ]]; then
            COMPREPLY=($(compgen -W "$options" -- "$cur"))
        else
            local IFS=$'\n'
            COMPREPLY=($(compgen -W "$(_polyether_accounts "${where[@]}")" -- "$cur"))
        fi ;;
    esac
}

complete -F _polyether polyether
