#!/usr/bin/env bash
# Makes or updates .venv, the tested environment of this checkout:
#
#   bash tools/setup_env.sh            everything: all tasks, mmcv's C++ operators, tests
#   bash tools/setup_env.sh --core     pre-training and classification; compiles nothing
#
# Options:
#   --python PY     interpreter to build on (default: a supported one, 3.11 if there is)
#   --cpu, --cuda   build of torch; default: CUDA where nvidia-smi sees a GPU, else the
#                   small CPU build if PyTorch's own index can be reached
#   --force         go through all steps although nothing changed
#
# Safe to run twice, after Ctrl-C, and in two terminals; under a second if there is
# nothing to do. Compiled mmcv wheels are kept for other checkouts in $RSP_WHEEL_CACHE
# (default ~/.cache/rsp-wheels). pip's own variables (PIP_INDEX_URL, PIP_FIND_LINKS,
# proxies, ...) are respected; MAX_JOBS limits the compiler processes.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
stamp=$venv/.rsp-setup
log=$root/.venv-setup.log
cache=${RSP_WHEEL_CACHE:-${XDG_CACHE_HOME:-${HOME:-$root}/.cache}/rsp-wheels}
constraints=$root/requirements/constraints.txt
cpu_index=https://download.pytorch.org/whl/cpu

tier=full
torch_build=auto
wanted_python=
force=

say() { printf '%s\n' "$*"; }
die() {
    printf 'error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

while [[ $# -gt 0 ]]; do
    case $1 in
        --core | --full) tier=${1#--} ;;
        --cpu | --cuda) torch_build=${1#--} ;;
        --force) force=yes ;;
        --python)
            [[ $# -gt 1 ]] || die "--python expects an interpreter, e.g. --python python3.11"
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

# Another installation's paths must not leak into this one.
unset PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX
export PYTHONNOUSERSITE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
export PIP_PROGRESS_BAR=off

# ---- Is there anything to do? ----

sha256() { if command -v sha256sum > /dev/null; then sha256sum; else shasum -a 256; fi; }

# All that decides what is installed. The place counts too: a virtual environment that
# was copied along with its checkout still points at the old one.
fingerprint() {
    { printf '%s\n' "$root" && cat "$root"/requirements/*.txt "$root/setup.py" \
        "$root/tools/setup_env.sh"; } | sha256 | cut -d' ' -f1
}

stamped() { sed -n "s/^$1=//p" "$stamp" 2> /dev/null || true; }

write_stamp() { printf 'fingerprint=%s\ntier=%s\n' "$1" "$2" > "$stamp"; }

python_works() { [[ -x $venv/bin/python ]] && "$venv/bin/python" -c '' 2> /dev/null; }

same_python() {
    local base='import sys; print(sys.base_prefix, sys.version_info[:3])'
    [[ -z $wanted_python || "$("$wanted_python" -c "$base" 2> /dev/null)" \
        == "$("$venv/bin/python" -c "$base")" ]]
}

ready() {
    [[ -z $force && $(stamped fingerprint) == "$now" ]] || return 1
    [[ $(stamped tier) == full || $tier == core ]] && python_works && same_python
}

report_ready() {
    say "The environment is ready: .venv ($(stamped tier)). Use it with: . .venv/bin/activate"
}

now=$(fingerprint)
if ready; then
    report_ready
    exit 0
fi

# ---- One at a time, and no trace of an interrupted run ----

touch "$log" 2> /dev/null || die "cannot write to $root; use a checkout you own."
mkdir -p "$cache" 2> /dev/null && [[ -w $cache ]] || die \
    "cannot write to the wheel cache $cache;" "set RSP_WHEEL_CACHE to a folder of yours."

if command -v flock > /dev/null; then
    exec 9> "$root/.venv-setup.lock"
    if ! flock -n 9; then
        say "Another setup of this checkout is running; waiting for it."
        flock 9
        if ready; then
            report_ready
            exit 0
        fi
    fi
fi
: > "$log"

# Job control puts each step into its own process group: Ctrl-C reaches this script
# alone, which then ends the step with all its compilers.
set -m
child=
leftover=
cleanup() {
    local status=$?
    trap - EXIT INT TERM HUP
    [[ -z $child ]] || kill -TERM -- "-$child" 2> /dev/null || true
    [[ -z $leftover ]] || rm -rf "$leftover"
    exit "$status"
}
interrupted() {
    printf '\n%s\n' "Interrupted; run the same command again to go on from here." >&2
    exit 130
}
trap cleanup EXIT
trap interrupted INT TERM HUP

step=0
# pip's or ninja's latest word about where it is.
whereabouts() {
    tail -c "+$((offset + 1))" "$log" | tr '\r' '\n' \
        | sed -n -e 's/^ *\(\[[0-9]*\/[0-9]*\]\).*/compiled \1/p' \
            -e 's/^ *\(Collecting [^ ]*\).*/\1/p' -e 's/^ *\(Downloading .*\)/\1/p' \
            -e 's/^ *\(Building wheel[^:]*\).*/\1/p' \
            -e 's/^Installing collected packages.*/installing the packages/p' \
        | tail -n 1 | cut -c 1-60
}

# run TITLE COMMAND...: one step, with a line that shows it is alive.
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
    child=
    elapsed=$((SECONDS - started))
    if [[ -t 1 ]]; then printf '\r\033[K'; fi
    [[ $status -eq 0 ]] || explain "$title"
    say "[$step/$steps] $title ... $elapsed s"
}

# Says what went wrong in words, from what pip or the compiler wrote.
explain() {
    local text remedy
    text=$(tail -c "+$((offset + 1))" "$log")
    remedy="the whole output is in $log"
    case $text in
        *"No space left on device"* | *"Errno 28"*)
            remedy="the disk is full; free some space (or set TMPDIR, RSP_WHEEL_CACHE)." ;;
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

# ---- What the machine has to offer ----

supported() { # INTERPRETER -> "3.11 3.11.7 /path/to/python", if it can serve
    "$1" -c 'import sys, venv, ensurepip
v = sys.version_info
assert (3, 10) <= v[:2] <= (3, 13)
print("%d.%d %d.%d.%d" % (*v[:2], *v[:3]), sys.executable)' 2> /dev/null
}

# A name on the PATH is no proof: pyenv leaves launchers of Pythons it will not start,
# and Debian ships Python without venv. So each candidate is run.
find_pythons() {
    local version name
    for version in 3.11 3.12 3.13 3.10; do
        for name in $(type -ap "python$version" || true) \
            "${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}/versions/$version".*/bin/python; do
            supported "$name" || true
        done
    done
    for name in $(type -ap python3 python || true); do supported "$name" || true; done
}

choose_python() {
    local found others version
    if [[ -n $wanted_python ]]; then
        found=$(supported "$wanted_python") || die \
            "--python $wanted_python: expected a Python 3.10 to 3.13 with venv and ensurepip," \
            "got: $("$wanted_python" --version 2>&1 | tail -n 1)"
    else
        found=$(find_pythons | awk '!seen[$3]++')
        if [[ -z $found ]]; then
            version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' || true)
            die "no Python 3.10 to 3.13 with venv and ensurepip found (python3 is ${version:-absent})." \
                "Debian/Ubuntu: apt-get install python3.11 python3.11-venv python3.11-dev" \
                "Fedora: dnf install python3.11 python3.11-devel" \
                "or name one: bash tools/setup_env.sh --python /path/to/python3.11"
        fi
    fi
    python=$(head -n 1 <<< "$found" | cut -d' ' -f3-)
    say "Python $(head -n 1 <<< "$found" | cut -d' ' -f2) ($python)"
    others=$(cut -d' ' -f2 <<< "$found" | sort -u -V | tr '\n' ' ')
    [[ $others != *" "*[0-9]* ]] || say "Found: $others(--python chooses another)."
}

headers_advice() {
    local version
    version=$("${python:-python3}" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    say "the headers of Python $version are missing: apt-get install python$version-dev
       (Debian/Ubuntu) or dnf install python$version-devel (Fedora)."
}

# Before anything is downloaded: mmcv's operators can be built here, or are in the cache.
check_compiler() {
    local mmcv=$1 include cached
    cached=$(compgen -G "$cache/mmcv$mmcv-torch*-$("$python" -c \
        'import sys; print("cp%d%d" % sys.version_info[:2])')-*/*.whl" || true)
    [[ -z $cached ]] || return 0
    command -v "${CXX:-c++}" > /dev/null || die \
        "mmcv's operators need a C++ compiler, and there is none (${CXX:-c++})." \
        "Debian/Ubuntu: apt-get install g++     Fedora: dnf install gcc-c++" \
        "or, for pre-training and classification only: bash tools/setup_env.sh --core"
    include=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
    [[ -f $include/Python.h ]] || die "$(headers_advice)" \
        "or, for pre-training and classification only: bash tools/setup_env.sh --core"
}

check_disk() {
    local need=$1 free
    free=$(df -Pk "$root" | awk 'NR == 2 { print int($4 / 1048576) }')
    [[ ${free:-$need} -ge $need ]] || die \
        "expected $need GB of free disk space below $root, got $free GB."
}

# OpenCV's default build draws windows, and for that links libraries that servers lack.
lacks_libgl() {
    ! "$python" -c 'import ctypes
for name in ("libGL.so.1", "libgthread-2.0.so.0"): ctypes.CDLL(name)' 2> /dev/null \
        && [[ $(uname) == Linux ]]
}

# ---- The steps ----

pip() { "$venv/bin/python" -m pip "$@"; }
installed() { pip show "$1" 2> /dev/null | sed -n 's/^Version: //p'; }
pinned() { sed -n "s/^$1==\([^; ]*\).*/\1/p" "$constraints" | head -n 1; }

make_venv() {
    [[ -n $keep ]] || "$python" -m venv --clear "$venv"
    pip install -c "$constraints" pip setuptools wheel
}

# A machine without a GPU gains nothing from 3 GB of CUDA libraries; the index that has
# the CPU build is asked only if it answers.
torch_options() {
    if [[ $(installed torch) == "$(pinned torch)"* ]]; then
        return
    fi
    if [[ $torch_build == auto ]]; then
        torch_build=cuda
        nvidia-smi -L > /dev/null 2>&1 || torch_build=cpu
    fi
    if [[ $torch_build == cpu && $(uname) == Linux ]] && pip --isolated index versions \
        torch --index-url "$cpu_index" --retries 0 --timeout 5 > /dev/null 2>&1; then
        say --extra-index-url "$cpu_index"
    fi
}

install_torch() {
    local options
    options=$(torch_options)
    # shellcheck disable=SC2086  # two words or none
    pip install $options -c "$constraints" torch ninja packaging
    # Its metadata wants exactly one build of torch; the pins above already agree.
    # shellcheck disable=SC2086
    pip install $options -c "$constraints" --no-deps torchvision
}

# What an operator wheel depends on: releases, Python, platform, and CUDA if its
# compiler is there. Prints "KEY cpu|cuda NOTE".
wheel_key() {
    "$venv/bin/python" - "$1" << 'PY'
import os, re, shutil, subprocess, sys, sysconfig

import torch

cuda, where, note = torch.version.cuda, 'cpu', ''
if cuda:
    home = os.environ.get('CUDA_HOME') or os.environ.get('CUDA_PATH') or '/usr/local/cuda'
    nvcc = shutil.which('nvcc') or shutil.which('nvcc', path=f'{home}/bin')
    text = subprocess.run([nvcc, '--version'], capture_output=True, text=True).stdout if nvcc else ''
    found = re.search(r'release (\d+)', text)
    if found and found[1] == cuda.split('.')[0]:
        archs = os.environ.get('TORCH_CUDA_ARCH_LIST', '').replace(' ', '_')
        if not archs and torch.cuda.is_available():
            archs = '_'.join(sorted({'%d.%d' % torch.cuda.get_device_capability(i)
                                     for i in range(torch.cuda.device_count())}))
        where = 'cuda'
        cuda = f'{cuda}-sm{archs or "all"}'
    else:
        note = (f'no nvcc of CUDA {cuda} here: mmcv operators will run on the CPU only '
                '(pre-training uses none); install that toolkit, then run with --force')
tag = 'cp%d%d' % sys.version_info[:2]
platform = sysconfig.get_platform().replace('-', '_')
key = f'mmcv{sys.argv[1]}-torch{torch.__version__}-{tag}-{platform}'
print(f'{key}-cuda{cuda}' if where == 'cuda' else f'{key}-cpu', where, note)
PY
}

# Without torch in sight mmcv builds itself silently without operators.
has_operators() {
    "$venv/bin/python" - "$1" << 'PY'
import sys, zipfile

try:
    names = zipfile.ZipFile(sys.argv[1]).namelist()
except (OSError, zipfile.BadZipFile):
    names = []
sys.exit(not any(name.startswith('mmcv/_ext.') for name in names))
PY
}

jobs() { # One compiler per core, but 2 GB of memory for each.
    local cores memory
    cores=$(getconf _NPROCESSORS_ONLN)
    memory=$(awk '/^MemAvailable/ { print int($2 / 2097152) }' /proc/meminfo 2> /dev/null || true)
    [[ -z $memory || $memory -ge $cores ]] || cores=$((memory > 1 ? memory : 1))
    say "$cores"
}

build_operators() {
    local folder=$1 where=$2 mmcv=$3 build=$4 wheel
    local -x CFLAGS="${CFLAGS:-} -g0" MAX_JOBS=${MAX_JOBS:-$(jobs)}
    # pip's ninja is found on the PATH only; without it the build goes serial.
    local -x PATH="$venv/bin:$PATH"
    if [[ $where == cuda ]]; then
        local -x FORCE_CUDA=1
    else
        local -x FORCE_CUDA=0 CUDA_VISIBLE_DEVICES=
    fi
    # No cache: pip would take an operator-less wheel of the same name out of it.
    pip wheel -v --no-deps --no-build-isolation --no-cache-dir \
        --no-binary onedl-mmcv -w "$build" "onedl-mmcv==$mmcv"
    wheel=$(compgen -G "$build/onedl_mmcv-*.whl")
    if ! has_operators "$wheel"; then
        say "mmcv was built without its C++ operators (no mmcv/_ext in $wheel)"
        return 1
    fi
    mkdir -p "$folder"
    mv -f "$wheel" "$folder/"
}

operators_in_cache() {
    local wheel
    wheel=$(compgen -G "$1/onedl_mmcv-*.whl" | head -n 1) || return 1
    has_operators "$wheel" && say "$wheel"
}

# Two checkouts that need the same wheel at the same time: the second one waits for it.
build_operators_once() {
    local folder=$1
    if command -v flock > /dev/null; then
        exec 8> "$cache/.lock"
        flock 8
    fi
    operators_in_cache "$folder" > /dev/null || build_operators "$@"
}

install_plain_mmcv() {
    local mmcv=$1 folder=$cache/mmcv$1-without-operators build=$2
    if [[ $(installed onedl-mmcv) == "$mmcv" ]]; then
        return # With operators or without.
    fi
    if ! compgen -G "$folder/onedl_mmcv-$mmcv-py3-none-any.whl" > /dev/null; then
        # pip's isolated build environment has no torch, so nothing is compiled.
        # Without its cache, which would hand this wheel out for the real one later.
        pip wheel --no-deps --no-cache-dir --no-binary onedl-mmcv \
            --build-constraint "$constraints" -w "$build" "onedl-mmcv==$mmcv"
        mkdir -p "$folder"
        mv -f "$build"/onedl_mmcv-*.whl "$folder/"
    fi
    pip install --no-deps "$folder/onedl_mmcv-$mmcv-py3-none-any.whl"
}

install_operators() { # pip sees "the same release" over the plain one, hence by force.
    pip install --force-reinstall --no-deps "$1"
}

install_rest() {
    local lists=(-r "$root/requirements/runtime.txt" -r "$root/requirements/$tier.txt")
    [[ $tier == core ]] || lists+=(-r "$root/requirements/tests.txt")
    pip install -c "$constraints" "${lists[@]}"
    if lacks_libgl; then
        # The headless build has the same files and release, and needs neither library.
        pip install -c "$constraints" --force-reinstall --no-deps opencv-python-headless
    fi
}

install_rsp() { pip install --no-deps --no-build-isolation -e "$root"; }

# ---- All together ----

begin=$SECONDS
# Adding to an environment never takes anything out of it.
if [[ $(stamped tier) == full ]]; then tier=full; fi
steps=7
if [[ $tier == core ]]; then steps=6; fi

if [[ -e $venv && ! -f $venv/pyvenv.cfg && -n $(ls -A "$venv") ]]; then
    die "$venv exists and is no virtual environment; move it away."
fi
keep=
if [[ -n $(supported "$venv/bin/python") ]] && same_python \
    && grep -qsF "$venv" "$venv/bin/activate" && pip --version > /dev/null 2>&1; then
    keep=yes
    python=$venv/bin/python
    say "Python $("$python" -c 'import platform; print(platform.python_version())')" \
        "(.venv is there already)"
else
    choose_python
    check_disk 3
fi
mmcv=$(pinned onedl-mmcv)
[[ $tier == core ]] || check_compiler "$mmcv"
if [[ -f $stamp ]]; then write_stamp unfinished "$(stamped tier)"; fi
leftover=$(mktemp -d "$cache/building.XXXXXX")

run "virtual environment (.venv)" make_venv
run "torch and torchvision" install_torch
if [[ $tier == core ]]; then
    run "mmcv, without operators" install_plain_mmcv "$mmcv" "$leftover"
else
    answer=$(wheel_key "$mmcv")
    read -r key where note <<< "$answer"
    [[ -z $note ]] || say "Note: $note."
    if [[ -n $(operators_in_cache "$cache/$key") ]]; then
        run "mmcv's C++ operators: in the cache" true
    else
        run "compiling mmcv's C++ operators (10 minutes on 2 cores)" \
            build_operators_once "$cache/$key" "$where" "$mmcv" "$leftover"
    fi
    run "mmcv, with operators" install_operators "$(operators_in_cache "$cache/$key")"
fi
run "everything else, as pinned" install_rest
run "rsp itself (editable)" install_rsp

say "[$steps/$steps] what works"
"$venv/bin/python" "$root/tools/check_env.py" --tier "$tier" || die \
    "the environment is not usable; see the table above."
write_stamp "$now" "$tier"
rm -f "$log"
say "Done in $((SECONDS - begin)) s. Use it with: . .venv/bin/activate"
