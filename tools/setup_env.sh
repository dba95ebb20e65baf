#!/usr/bin/env bash
# Makes or updates .venv, the tested environment of this checkout:
#
#   bash tools/setup_env.sh            everything: all tasks, mmcv's C++ operators, tests
#   bash tools/setup_env.sh --core     pre-training and classification; compiles nothing
#
# Options:
#   --python PY     interpreter to build on (default: a supported one, 3.11 if there is)
#   --force         go through all steps although nothing changed
#
# Safe to run twice, after Ctrl-C, and in two terminals; under a second if there is
# nothing to do. Wheels of mmcv are kept for other checkouts in $RSP_WHEEL_CACHE
# (default ~/.cache/rsp-wheels). MAX_JOBS limits the compiler processes. pip's own
# variables (PIP_INDEX_URL, PIP_FIND_LINKS, proxies, ...) are respected: without a GPU,
# PyTorch's index of CPU builds in PIP_EXTRA_INDEX_URL saves 3 GB of CUDA libraries.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
stamp=$venv/.rsp-setup
log=$root/.venv-setup.log
cache=${RSP_WHEEL_CACHE:-${XDG_CACHE_HOME:-${HOME:-$root}/.cache}/rsp-wheels}
building= # Folders of this run: in the cache, for wheels in the making,
scratch=  # and for temporary files, which an interrupted pip leaves behind
constraints=$root/requirements/constraints.txt

# shellcheck source=tools/environment/progress.sh
source "$root/tools/environment/progress.sh"
# shellcheck source=tools/environment/machine.sh
source "$root/tools/environment/machine.sh"
# shellcheck source=tools/environment/mmcv.sh
source "$root/tools/environment/mmcv.sh"

tier=full
wanted_python=
force=

parse_args() {
    while [[ $# -gt 0 ]]; do
        case $1 in
            --core | --full) tier=${1#--} ;;
            --force) force=yes ;;
            --python)
                [[ $# -gt 1 ]] || die "--python expects an interpreter, e.g. python3.11"
                wanted_python=$2
                shift
                ;;
            -h | --help)
                sed -n '2,/^set -/p' "${BASH_SOURCE[0]}" | sed -e '$d' -e 's/^# \{0,1\}//'
                exit 0
                ;;
            *) die "unknown option $1; see: bash tools/setup_env.sh --help" ;;
        esac
        shift
    done
}

# ---- Is there anything to do? ----

sha256() { if command -v sha256sum > /dev/null; then sha256sum; else shasum -a 256; fi; }

# All that decides what is installed. The place counts too: a virtual environment that
# was copied along with its checkout still points at the old one.
fingerprint() {
    {
        printf '%s\n' "$root"
        cat "$root"/requirements/*.txt "$root"/setup.py "$root"/tools/setup_env.sh \
            "$root"/tools/environment/*.sh "$root"/tools/environment/*.py
    } | sha256 | cut -d' ' -f1
}

# The stamp is written last. It tells the tier of the last complete setup, and whether
# what that setup was made from is still the same.
stamped() { sed -n "s/^$1=//p" "$stamp" 2> /dev/null || true; }
write_stamp() { printf 'fingerprint=%s\ntier=%s\n' "$1" "$2" > "$stamp"; }

same_python() {
    local base='import sys; print(sys.base_prefix, sys.version_info[:3])'
    [[ -z $wanted_python || "$("$wanted_python" -c "$base" 2> /dev/null)" \
        == "$("$venv/bin/python" -c "$base")" ]]
}

leave_if_ready() {
    [[ -z $force && $(stamped fingerprint) == "$(fingerprint)" ]] || return 0
    [[ $(stamped tier) == full || $tier == core ]] || return 0
    "$venv/bin/python" -c '' 2> /dev/null && same_python || return 0
    say "The environment is ready: .venv ($(stamped tier)). Use it: . .venv/bin/activate"
    exit 0
}

one_at_a_time() {
    command -v flock > /dev/null || return 0
    exec 9> "$root/.venv-setup.lock"
    flock -n 9 && return 0
    say "Another setup of this checkout is running; waiting for it."
    flock 9
    leave_if_ready
}

# ---- The steps ----

pip() { "$venv/bin/python" -m pip "$@"; }
# Bytecode is compiled at the end, on all cores: pip uses one.
install() { pip install --no-compile "$@"; }
installed() { pip show "$1" 2> /dev/null | sed -n 's/^Version: //p'; }
pinned() { sed -n "s/^$1==\([^; ]*\).*/\1/p" "$constraints" | head -n 1; }

usable_venv() {
    [[ -n $(supported "$venv/bin/python") ]] && same_python \
        && grep -qsF "$venv" "$venv/bin/activate" && pip --version > /dev/null 2>&1
}

make_venv() {
    [[ $python == "$venv"/* ]] || "$python" -m venv --clear "$venv"
    install -c "$constraints" pip setuptools wheel
}

install_torch() {
    install -c "$constraints" torch ninja packaging
    # Its metadata asks for one build of torch; the pins agree without being asked.
    install -c "$constraints" --no-deps torchvision
}

install_rest() {
    local name names=(runtime "$tier") lists=()
    [[ $tier == core ]] || names+=(analyze completion convert docs onnx tests)
    for name in "${names[@]}"; do lists+=(-r "$root/requirements/$name.txt"); done
    install -c "$constraints" "${lists[@]}"
    if lacks_libgl; then
        # The headless build brings the same files without the need for either library.
        install -c "$constraints" --force-reinstall --no-deps opencv-python-headless
    fi
}

install_rsp() {
    local packages
    install --no-deps --no-build-isolation -e "$root"
    # mim looks for a package beside its metadata, where editable ones have nothing.
    packages=$("$venv/bin/python" -c 'import sysconfig as s; print(s.get_path("purelib"))')
    ln -sfn "$root/rsp" "$packages/rsp-pretrain"
}

# Not left to the first imports: where PYTHONDONTWRITEBYTECODE is set (containers) they
# keep nothing, and importing the mm-packages takes 25 s instead of 5. Some files are
# templates that no Python compiles, so the status says nothing.
compile_bytecode() {
    env -u PYTHONDONTWRITEBYTECODE "$venv/bin/python" -m compileall -q -j 0 \
        -x 'site-packages/.*/tests/' "$venv/lib" || true
}

# ---- All together ----

prepare() {
    touch "$log" 2> /dev/null || die "cannot write to $root; use a checkout you own."
    mkdir -p "$cache" 2> /dev/null || true
    building=$(mktemp -d "$cache/building.XXXXXX" 2> /dev/null) || die \
        "cannot write to the wheel cache $cache;" "set RSP_WHEEL_CACHE to a folder of yours."
    scratch=$(mktemp -d)
    export TMPDIR=$scratch
    : > "$log"
    if [[ -e $venv && ! -f $venv/pyvenv.cfg && -n $(ls -A "$venv") ]]; then
        die "$venv exists and is no virtual environment; move it away."
    fi
    # Adding to an environment never takes anything out of it.
    if [[ $(stamped tier) == full ]]; then tier=full; fi
    if usable_venv; then
        python=$venv/bin/python
        say "Python $(supported "$python" | cut -d' ' -f1) (.venv is there already)"
    else
        choose_python
        check_disk 3
    fi
    [[ $tier == core ]] || check_compiler "$(pinned onedl-mmcv)"
    if [[ -f $stamp ]]; then write_stamp unfinished "$(stamped tier)"; fi
}

tidy_up() { rm -rf ${building:+"$building"} ${scratch:+"$scratch"}; }

install_mmcv() {
    local release answer key where note=
    release=$(pinned onedl-mmcv)
    if [[ $tier == core ]]; then
        run "mmcv, without operators" install_plain_mmcv "$release"
        return
    fi
    answer=$(mmcv_wheel key "$release")
    { read -r key && read -r where && read -r note; } <<< "$answer" || true
    [[ -z $note ]] || say "Note: $note."
    if operators_in_cache "$cache/$key" > /dev/null 2>&1; then
        run "mmcv's C++ operators: in the cache" true
    else
        run "compiling mmcv's C++ operators (10 minutes on 2 cores)" \
            build_operators "$cache/$key" "$where" "$release"
    fi
    run "mmcv, with operators" install_operators "$(operators_in_cache "$cache/$key")"
}

main() {
    local begin=$SECONDS
    parse_args "$@"
    # Another installation's paths must not leak into this one.
    unset PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX
    export PYTHONNOUSERSITE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
    export PIP_PROGRESS_BAR=off

    leave_if_ready
    [[ -w $root ]] || die "cannot write to $root; use a checkout you own."
    one_at_a_time
    watch_for_interrupts
    prepare

    steps=8
    if [[ $tier == core ]]; then steps=7; fi
    run "virtual environment (.venv)" make_venv
    run "torch and torchvision" install_torch
    install_mmcv
    run "everything else, as pinned" install_rest
    run "rsp itself (editable)" install_rsp
    run "bytecode" compile_bytecode

    say "[$steps/$steps] what works"
    "$venv/bin/python" "$root/tools/check_env.py" --tier "$tier" || die \
        "the environment is not usable; see the table above."
    write_stamp "$(fingerprint)" "$tier"
    rm -f "$log"
    say "Done in $((SECONDS - begin)) s. Use it: . .venv/bin/activate"
}

# All above is read before anything runs, so a `git pull` meanwhile does no harm.
if [[ ${BASH_SOURCE[0]} == "$0" ]]; then main "$@"; fi
