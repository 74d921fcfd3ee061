_clap_complete_ovr() {
    local IFS=$'\013'
    local _CLAP_COMPLETE_COMP_TYPE=${COMP_TYPE}
    if compopt +o nospace 2> /dev/null; then
        local _CLAP_COMPLETE_SPACE=false
    else
        local _CLAP_COMPLETE_SPACE=true
    fi
    # bash takes `web=TERM` for three words, and completes the last; for ovr it is one.
    local words=() line="${COMP_LINE-}" before="" word at
    local _CLAP_COMPLETE_INDEX=0
    for ((at = 0; at < ${#COMP_WORDS[@]}; at++)); do
        word="${COMP_WORDS[at]}"
        if [[ $at -eq $COMP_CWORD && "${BASH_VERSINFO[0]}" -ge 4 && ( -n "$2" || "$word" != [=:@]* ) ]]; then
            word="$2"
        fi
        if [[ $at -gt 0 && $at -le $COMP_CWORD && -n "${COMP_LINE-}" && "$line" != [[:space:]]* \
            && ( "$before" == *[=:@] || "$word" == [=:@]* ) ]]; then
            words[_CLAP_COMPLETE_INDEX]+="$word"
        else
            words+=("$word")
            if [[ $at -gt 0 && $at -le $COMP_CWORD ]]; then
                ((_CLAP_COMPLETE_INDEX += 1))
            fi
        fi
        before="${COMP_WORDS[at]}"
        line="${line#*"$before"}"
    done
    local kept="${words[_CLAP_COMPLETE_INDEX]%"$2"}"
    COMPREPLY=( $( \
        _CLAP_IFS="$IFS" \
        _CLAP_COMPLETE_INDEX="$_CLAP_COMPLETE_INDEX" \
        _CLAP_COMPLETE_COMP_TYPE="$_CLAP_COMPLETE_COMP_TYPE" \
        _CLAP_COMPLETE_SPACE="$_CLAP_COMPLETE_SPACE" \
        OVR_COMPLETE="bash" \
        "ovr" -- "${words[@]}" \
    ) )
    if [[ $? != 0 ]]; then
        unset COMPREPLY
    else
        COMPREPLY=("${COMPREPLY[@]#"$kept"}")
        if [[ $_CLAP_COMPLETE_SPACE == false ]] && [[ "${COMPREPLY-}" =~ [=/:]$ ]]; then
            compopt -o nospace
        fi
    fi
}
if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -o nospace -o bashdefault -o nosort -F _clap_complete_ovr ovr
else
    complete -o nospace -o bashdefault -F _clap_complete_ovr ovr
fi
