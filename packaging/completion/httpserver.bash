# bash completion for httpserver(1)

# options: begin, by script/write-documents
_httpserver_commands()
{
    echo serve draw health verify version
}

# The options of a command.
_httpserver_options()
{
    case $1 in
    serve)
        echo --listen \
            --admin-listen \
            --reuse-port \
            --workers \
            --max-connections \
            --max-head \
            --max-body \
            --max-held-memory \
            --idle-timeout \
            --head-timeout \
            --body-timeout \
            --write-timeout \
            --busy-poll \
            --delay \
            --max-delay \
            --errors \
            --abort \
            --drip \
            --size \
            --bandwidth \
            --burn \
            --request-faults \
            --max-size \
            --max-burn \
            --seed \
            --log \
            --trust-forwarded \
            --user \
            --seccomp \
            --admin \
            --drain-delay \
            --drain-timeout \
            --config \
            --help
        ;;
    draw)
        echo --delay \
            --law \
            --max-delay \
            --seed \
            --config \
            --rule \
            --count \
            --help
        ;;
    health)
        echo --listen \
            --admin-listen \
            --config \
            --url \
            --timeout \
            --help
        ;;
    verify)
        echo --prometheus \
            --target \
            --window \
            --require \
            --format \
            --help
        ;;
    version)
        echo --help
        ;;
    esac
}

# The values that an option takes; nothing where they cannot be listed.
_httpserver_values()
{
    case $1 in
    --reuse-port) compgen -W 'true false' -- "$2" ;;
    --request-faults) compgen -W 'on off' -- "$2" ;;
    --log) compgen -W 'text json off' -- "$2" ;;
    --seccomp) compgen -W 'auto off' -- "$2" ;;
    --config) compgen -f -- "$2" ;;
    --format) compgen -W 'text json html' -- "$2" ;;
    esac
}
# options: end

_httpserver()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=serve words

    # Readline takes `--log=te` for three words.
    if [[ $current = "=" ]]; then
        current=
    elif [[ $previous = "=" && $COMP_CWORD -ge 2 ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    [[ $COMP_CWORD -lt 2 || ${COMP_WORDS[1]} = -* ]] || command=${COMP_WORDS[1]}

    if [[ $COMP_CWORD -eq 1 && $current != -* ]]; then
        words=$(compgen -W "$(_httpserver_commands)" -- "$current")
    elif [[ $current = -* ]]; then
        words=$(compgen -W "$(_httpserver_options "$command")" -- "$current")
    else
        words=$(_httpserver_values "$previous" "$current")
        [[ $previous != --config ]] || compopt -o filenames 2>/dev/null
    fi
    mapfile -t COMPREPLY < <(printf '%s' "${words:+$words$'\n'}")
}

complete -F _httpserver httpserver
