# SPDX-License-Identifier: Apache-2.0
# Completion of polyether for fish.

function __polyether_accounts
    polyether account list 2>/dev/null | string replace -r '  .*' ''
end

function __polyether_verb
    set -l words (commandline -opc | string match -v -- '-*')
    test (count $words) -eq 2; and contains -- $words[2] account
end

function __polyether_is
    set -l words (commandline -opc | string match -v -- '-*')
    test "$words[2..-1]" = "$argv"; or string match -q -- "$argv *" "$words[2..-1]"
end

complete -c polyether -f
complete -c polyether -l state -r -F -d 'State folder of the daemon'
complete -c polyether -l socket -r -F -d 'Control socket of the daemon'
complete -c polyether -l json -d 'Print JSON'
complete -c polyether -l help -d 'Show help'
complete -c polyether -n __fish_use_subcommand -l version -d 'Print the version'
complete -c polyether -n __fish_use_subcommand -a 'account up down status'
complete -c polyether -n __polyether_verb -a 'add list show set delete'

for command in up down status 'account show' 'account set' 'account delete'
    complete -c polyether -n "__polyether_is $command" -a '(__polyether_accounts)'
end
complete -c polyether -n '__polyether_is up' -l yes -d 'Trust the certificate at first sight'
complete -c polyether -n '__polyether_is up' -l wait -x -d 'Wait until it is usable'
complete -c polyether -n '__polyether_is account set' -l rename -x -d 'A new name'

for command in 'account add' 'account set'
    set -l here "__polyether_is $command"
    for word in server hub user connections adapter gateway route mark
        complete -c polyether -n $here -l $word -x
    end
    for word in password-file cert key proxy-password-file ca
        complete -c polyether -n $here -l $word -r -F
    end
    for word in half-duplex compress super-frames all-traffic accept-routes startup
        complete -c polyether -n $here -l $word
        complete -c polyether -n $here -l no-$word
    end
    complete -c polyether -n $here -l password-stdin -d 'The password comes by the standard input'
    complete -c polyether -n $here -l plain-password -d 'The server needs the password itself'
    complete -c polyether -n $here -l anonymous -d 'No password'
    complete -c polyether -n $here -l no-routes -d 'Undo --route'
    complete -c polyether -n $here -l address -x -a 'dhcp none' -d 'Address of the adapter'
    complete -c polyether -n $here -l trust -x -a 'ask system sha256:' -d 'Whom to trust'
    complete -c polyether -n $here -l proxy -x -a 'none http:// socks4:// socks5://'
end
