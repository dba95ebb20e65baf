# Sourced by setup_env.sh: mmcv, with its C++ operators or without, from the wheel cache.
# shellcheck shell=bash
# Uses: venv, cache, constraints, building, pip, install, installed, compiler_jobs, say.

mmcv_wheel() { "$venv/bin/python" -W ignore "$root/tools/environment/mmcv_wheel.py" "$@"; }

# operators_in_cache FOLDER: prints the wheel there, if it is whole and has operators.
operators_in_cache() {
    local wheel
    wheel=$(compgen -G "$1/onedl_mmcv-*.whl" | head -n 1) || return 1
    mmcv_wheel check "$wheel" && say "$wheel"
}

# build_operators FOLDER cpu|cuda RELEASE
build_operators() {
    local folder=$1 where=$2 release=$3 wheel
    # Two checkouts that need the same wheel at the same time: the second one waits.
    if command -v flock > /dev/null; then
        exec 8> "$cache/.lock"
        flock 8
    fi
    ! operators_in_cache "$folder" || return 0

    # Debug information would make the wheel 15 times as large.
    local -x CFLAGS="${CFLAGS:-} -g0" MAX_JOBS=${MAX_JOBS:-$(compiler_jobs)}
    # The venv's ninja is found on the PATH only; without ninja the build goes serial.
    local -x PATH="$venv/bin:$PATH"
    if [[ $where == cuda ]]; then
        local -x FORCE_CUDA=1
    else
        local -x FORCE_CUDA=0 CUDA_VISIBLE_DEVICES=
    fi
    # Isolation would hide torch, and mmcv then silently leaves its operators out; pip's
    # cache may hold such a wheel under the same name.
    pip wheel -v --no-deps --no-build-isolation --no-cache-dir --no-binary onedl-mmcv \
        -w "$building" "onedl-mmcv==$release"
    wheel=$(compgen -G "$building/onedl_mmcv-*.whl")
    mmcv_wheel check "$wheel"
    mkdir -p "$folder"
    mv -f "$wheel" "$folder/" # At once or not at all: both lie below the cache.
}

install_operators() { # By force: to pip the plain wheel is the same release.
    install --force-reinstall --no-deps "$1"
}

install_plain_mmcv() {
    local release=$1 folder=$cache/mmcv$1-without-operators
    if [[ $(installed onedl-mmcv) == "$release" ]]; then
        return # With operators or without.
    fi
    if ! compgen -G "$folder/onedl_mmcv-$release-*.whl" > /dev/null; then
        # Here isolation is wanted: no torch in sight, nothing is compiled. Without
        # pip's cache, which would hand this wheel out for the real one later.
        pip wheel --no-deps --no-cache-dir --no-binary onedl-mmcv \
            --build-constraint "$constraints" -w "$building" "onedl-mmcv==$release"
        mkdir -p "$folder"
        mv -f "$building"/onedl_mmcv-*.whl "$folder/"
    fi
    install --no-deps "$folder/onedl_mmcv-$release"-*.whl
}
