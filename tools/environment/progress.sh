# Sourced by setup_env.sh: runs a step, shows that it is alive, says why it failed.
# shellcheck shell=bash
# Uses: log, steps, die.

step=0
child=    # process group of the running step
offset=0  # where its output begins in the log

say() { printf '%s\n' "$*"; }

die() {
    printf 'error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# Job control puts each step into its own process group: Ctrl-C reaches the script
# alone, which then ends the step with all its compilers.
watch_for_interrupts() {
    set -m
    trap end_step EXIT
    trap interrupted INT TERM HUP
}

end_step() {
    local status=$?
    trap - EXIT INT TERM HUP
    if [[ -n $child ]]; then
        # As Ctrl-C would: pip and ninja then end their own children, which ninja keeps
        # in groups of their own.
        kill -INT -- "-$child" 2> /dev/null || true
        for _ in {1..50}; do
            kill -0 -- "-$child" 2> /dev/null || break
            sleep 0.1
        done
        kill -KILL -- "-$child" 2> /dev/null || true
        wait "$child" 2> /dev/null || true
    fi
    tidy_up
    exit "$status"
}

interrupted() {
    printf '\n%s\n' "Interrupted; run the same command again to go on from here." >&2
    exit 130
}

# run TITLE COMMAND...
run() {
    local title=$1 started=$SECONDS beat=0 elapsed status=0
    shift
    step=$((step + 1))
    offset=$(wc -c < "$log")
    [[ -t 1 ]] || say "[$step/$steps] $title ..."
    "$@" >> "$log" 2>&1 < /dev/null &
    child=$!
    while kill -0 "$child" 2> /dev/null; do
        sleep 0.2
        elapsed=$((SECONDS - started))
        if [[ -t 1 ]]; then
            [[ $elapsed -eq $beat ]] || printf '\r\033[K[%s/%s] %s ... %s s  %s' \
                "$step" "$steps" "$title" "$elapsed" "$(whereabouts)"
            beat=$elapsed
        elif [[ $((elapsed - beat)) -ge 20 ]]; then
            say "      $elapsed s  $(whereabouts)"
            beat=$elapsed
        fi
    done
    wait "$child" || status=$?
    [[ ! -t 1 ]] || printf '\r\033[K'
    [[ $status -eq 0 ]] || explain "$title" # Ends the script and what the step left.
    child=
    say "[$step/$steps] $title ... $((SECONDS - started)) s"
}

output_of_step() { tail -c "+$((offset + 1))" "$log"; }

# pip's or ninja's latest word about where it is.
whereabouts() {
    output_of_step | tr '\r' '\n' \
        | sed -n -e 's/^ *\(\[[0-9]*\/[0-9]*\]\).*/compiled \1/p' \
            -e 's/^ *\(Collecting [^ ]*\).*/\1/p' -e 's/^ *\(Downloading .*\)/\1/p' \
            -e 's/^ *\(Building wheel[^:]*\).*/\1/p' \
            -e 's/^Installing collected packages.*/installing the packages/p' \
        | tail -n 1 | cut -c 1-60
}

# Ends the script; says in words what pip or the compiler meant.
explain() {
    local remedy="the whole output is in $log" text
    text=$(output_of_step)
    case $text in
        *"No space left on device"* | *"Errno 28"*)
            remedy="the disk is full; free some space, or set TMPDIR or RSP_WHEEL_CACHE." ;;
        *"Permission denied"* | *"Read-only file system"*)
            remedy="a folder is not writable; see the last lines." ;;
        *"Temporary failure in name resolution"* | *"Failed to establish a new conn"* \
            | *"Network is unreachable"* | *ConnectTimeout* | *ProxyError* \
            | *"Connection refused"* | *"Failed to resolve"*)
            remedy="the package index cannot be reached; check network and proxy (HTTPS_PROXY),
       name a mirror (PIP_INDEX_URL) or a folder of wheels (PIP_FIND_LINKS)." ;;
        *"Python.h: No such file"*) remedy=$(headers_advice) ;;
        *"Killed signal terminated program"* | *"virtual memory exhausted"*)
            remedy="the compiler ran out of memory; try MAX_JOBS=1 bash tools/setup_env.sh" ;;
        *"No matching distribution found"*)
            remedy="the index has no such release for this Python and platform; see --python." ;;
    esac
    printf '%s\n' "$text" | tail -n 15 >&2
    die "step $step/$steps failed ($1):" "$remedy"
}
