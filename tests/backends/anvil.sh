# A real Ethereum node on loopback.  It comes from npm, as a package that is
# kept in a cache directory; $ANVIL names another one.
anvil_version=1.7.1

# Set $ANVIL, or say why there is none and return 1.
anvil_find() {
	[ -z "${ANVIL:-}" ] || return 0
	local cache="${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/cpnp-tests"
	local dir="$cache/anvil-$anvil_version" machine=amd64
	[ "$(uname -m)" != aarch64 ] || machine=arm64
	ANVIL=$dir/node_modules/@foundry-rs/anvil-linux-$machine/bin/anvil
	[ ! -x "$ANVIL" ] || return 0
	if ! command -v npm >/dev/null; then
		echo "there is no npm to get the node anvil with"
		return 1
	fi
	# tests run side by side
	if ! mkdir -p "$cache" || ! (
		exec 9>"$cache/lock" && flock 9 && { [ -x "$ANVIL" ] ||
		    timeout 120 npm install --silent --no-audit --no-fund \
			--ignore-scripts --prefix "$dir" \
			"@foundry-rs/anvil@$anvil_version" >/dev/null 2>&1; }
	) || ! "$ANVIL" --version >/dev/null 2>&1; then
		echo "npm cannot get the node anvil $anvil_version"
		return 1
	fi
}

# directory, options: start a node; the port is kept for the next one.
anvil_start() {
	local dir=$1 i
	shift
	: >"$dir/anvil.log"
	"$ANVIL" --port "${anvil_port:-0}" --chain-id "${anvil_chain:-1337}" "$@" \
	    >"$dir/anvil.log" 2>&1 &
	anvil=$!
	disown "$anvil"
	for ((i = 0; i < 300; i++)); do
		if grep -q '^Listening on' "$dir/anvil.log"; then
			anvil_port=$(sed -n 's/^Listening on .*://p' \
			    "$dir/anvil.log")
			anvil_url=http://127.0.0.1:$anvil_port
			return 0
		fi
		kill -0 "$anvil" 2>/dev/null || break
		sleep 0.1
	done
	echo "the node did not start:" >&2
	tail -5 "$dir/anvil.log" >&2
	return 1
}

# directory: the accounts with money and their keys, as account-N and key-N
anvil_accounts() {
	local dir=$1 n line
	while read -r n line; do
		n=${n//[()]/}
		case $line in
		0x????????????????????????????????????????\ *)
			echo "${line%% *}" >"$dir/account-$n" ;;
		0x*)	(umask 077; echo "$line" >"$dir/key-$n") ;;
		esac
	done < <(grep '^([0-9]*) ' "$dir/anvil.log")
}
