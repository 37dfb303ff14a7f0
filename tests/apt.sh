# For scripts that fetch Debian packages: `. tests/apt.sh` in the root of the repository, then `fetch PACKAGE:ARCHITECTURE FOLDER` unpacks a package into a
# folder. Needs apt and a network, no root: apt works on directories of its own below artifacts/apt. ${architecture} may name one more than amd64 and i386.

if ! command -v apt-get > /dev/null || ! command -v dpkg-deb > /dev/null; then
    echo "$(basename "$0" .sh): apt is not available here." >&2
    exit 3
fi

apt=$PWD/artifacts/apt
mkdir -p "$apt"/{lists,cache/archives,download}
: > "$apt/status"
options=(
    -qq
    -o "Dir::State::Lists=$apt/lists" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache"
    -o "Debug::NoLocking=1" -o "APT::Sandbox::User="
    -o "APT::Architecture=amd64" -o "APT::Architectures::=amd64" -o "APT::Architectures::=i386" -o "APT::Architectures::=${architecture:-amd64}"
)
# A mirror that is being brought up to date may lack an index; what is missing in the end, the download tells.
apt-get "${options[@]}" update || true

# fetch NAME:ARCHITECTURE FOLDER
fetch() {
    (cd "$apt/download" && rm -f "${1%:*}"_*_"${1#*:}".deb && apt-get "${options[@]}" download "$1")
    dpkg-deb -x "$apt/download/${1%:*}"_*_"${1#*:}".deb "$2"
}

# depends NAME:ARCHITECTURE PATTERN: the first package that it depends on and whose name matches.
depends() {
    apt-cache "${options[@]}" depends "$1" | sed -nE "s/^ +Depends: ($2)(:.*)?\$/\1/p" | head -n 1
}
