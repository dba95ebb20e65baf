# Sourced by setup_env.sh: what this machine has to offer, and what it lacks.
# shellcheck shell=bash
# Uses: root, cache, wanted_python, say, die. Sets: python.

# supported INTERPRETER: prints "3.11.7 /path/to/python" if rsp can be built on it.
supported() {
    "$1" -IS -c 'import sys, venv, ensurepip
assert (3, 10) <= sys.version_info[:2] <= (3, 13)
print("%d.%d.%d" % sys.version_info[:3], sys.executable)' 2> /dev/null
}

# A name on the PATH is no proof: pyenv leaves launchers of Pythons it will not start,
# and Debian ships Python without venv. So each candidate is run.
find_pythons() {
    local version name
    {
        for version in 3.11 3.12 3.13 3.10; do
            type -ap "python$version" || true
            compgen -G "${PYENV_ROOT:-${HOME:-/none}/.pyenv}/versions/$version.*/bin/python" \
                || true
        done
        type -ap python3 python || true
    } | while read -r name; do supported "$name" || true; done | awk '!seen[$0]++'
}

choose_python() {
    local found versions
    if [[ -n $wanted_python ]]; then
        found=$(supported "$wanted_python") || die \
            "--python $wanted_python: expected Python 3.10 to 3.13 with venv and ensurepip," \
            "got: $("$wanted_python" --version 2>&1 | tail -n 1)"
    else
        found=$(find_pythons)
        [[ -n $found ]] || die \
            "no Python 3.10 to 3.13 with venv and ensurepip found." \
            "Debian/Ubuntu: apt-get install python3.11 python3.11-venv python3.11-dev" \
            "Fedora: dnf install python3.11 python3.11-devel" \
            "or name one: bash tools/setup_env.sh --python /path/to/python3.11"
    fi
    python=$(head -n 1 <<< "$found" | cut -d' ' -f2-)
    say "Python $(head -n 1 <<< "$found" | cut -d' ' -f1) ($python)"
    versions=$(cut -d' ' -f1 <<< "$found" | sort -u -V | tr '\n' ' ')
    [[ $versions != *" "?* ]] || say "Found: $versions(--python chooses another)."
}

# Before anything is downloaded: the operators can be built, or are in the cache.
check_compiler() {
    local tag include
    tag=$("$python" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
    ! compgen -G "$cache/mmcv$1-torch*-$tag-*/*.whl" > /dev/null || return 0
    command -v "${CXX:-c++}" > /dev/null || die \
        "mmcv's operators need a C++ compiler, and there is none (${CXX:-c++})." \
        "Debian/Ubuntu: apt-get install g++     Fedora: dnf install gcc-c++" \
        "or, for pre-training and classification only: bash tools/setup_env.sh --core"
    include=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
    [[ -f $include/Python.h ]] || die "$(headers_advice)" \
        "or, for pre-training and classification only: bash tools/setup_env.sh --core"
}

headers_advice() {
    local version
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    say "mmcv's operators need the headers of Python $version (Python.h).
       Debian/Ubuntu: apt-get install python$version-dev
       Fedora: dnf install python$version-devel"
}

check_disk() {
    local need=$1 free
    free=$(df -Pk "$root" | awk 'NR == 2 { print int($4 / 1048576) }')
    [[ $free -ge $need ]] || die \
        "expected $need GB of free disk space below $root, got $free GB."
}

# OpenCV's usual build draws windows, and for that links libraries that servers lack.
lacks_libgl() {
    [[ $(uname) == Linux ]] && ! "$python" -c 'import ctypes
for name in ("libGL.so.1", "libgthread-2.0.so.0"):
    ctypes.CDLL(name)' 2> /dev/null
}

# One compiler per core, but 2 GB of memory for each.
compiler_jobs() {
    local cores memory=
    cores=$(getconf _NPROCESSORS_ONLN)
    if [[ -r /proc/meminfo ]]; then
        memory=$(awk '/^MemAvailable/ { print int($2 / 2097152) }' /proc/meminfo)
    fi
    [[ -z $memory || $memory -ge $cores ]] || cores=$((memory > 1 ? memory : 1))
    say "$cores"
}
