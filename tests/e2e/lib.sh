# What the end-to-end tests share: a provider and a customer on loopback, with
# real certificates.  Source it; results are lines "ok - ..." and "not ok -".
#
# e2e_begin BUILD-DIRECTORY makes $dir with a PKI, a catalogue and two
# configurations.  Everything is removed and stopped at exit.

set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_root=$(cd "$here/../.." && pwd)
examples=$source_root/schemas/examples
bad=0
provider_pid=

e2e_begin() {
	build=$(cd "$1" && pwd)
	cpnpd=$build/cpnpd/cpnpd
	cpnpc=$build/cpnpc/cpnpc
	ledger=$build/ledger-bridge/cpnp-ledger
	dir=$(mktemp -d "${TMPDIR:-/tmp}/cpnp-e2e.XXXXXX")
	trap e2e_cleanup EXIT
	trap 'exit 1' INT TERM
	# a pair of ports of our own below the ephemeral range
	dtls_port=$((10000 + ($$ % 10000) * 2))
	udp_port=$((dtls_port + 1))
	"$here/pki.sh" "$dir/pki" >"$dir/pki.log" 2>&1 || {
		cat "$dir/pki.log"
		echo "not ok - a throw-away PKI"
		exit 1
	}
	provider_config >"$dir/cpnpd.conf"
	customer_config >"$dir/cpnpc.conf"
}

e2e_cleanup() {
	[ -z "$provider_pid" ] || kill -9 "$provider_pid" 2>/dev/null
	wait 2>/dev/null
	if [ "$bad" -ne 0 ] && [ -n "${E2E_KEEP:-}" ]; then
		echo "kept: $dir"
	else
		rm -rf "$dir"
	fi
}

e2e_end() {
	exit $((bad != 0))
}

# ok NAME COMMAND...: the command succeeds; its output is kept in $dir/out.
ok() {
	local name=$1
	shift
	if "$@" >"$dir/out" 2>"$dir/err"; then
		echo "ok - $name"
	else
		echo "not ok - $name: exit code $?"
		sed 's/^/# /' "$dir/out" "$dir/err" | tail -20
		bad=$((bad + 1))
	fi
}

# exits CODE NAME COMMAND...: the command ends with that code.
exits() {
	local want=$1 name=$2 got
	shift 2
	"$@" >"$dir/out" 2>"$dir/err"
	got=$?
	if [ "$got" -eq "$want" ]; then
		echo "ok - $name"
	else
		echo "not ok - $name: exit code $got, not $want"
		sed 's/^/# /' "$dir/out" "$dir/err" | tail -20
		bad=$((bad + 1))
	fi
}

# says TEXT NAME: the last command said TEXT on either output.
says() {
	if grep -qF -- "$1" "$dir/out" "$dir/err"; then
		echo "ok - $2"
	else
		echo "not ok - $2: no \"$1\" in:"
		sed 's/^/# /' "$dir/out" "$dir/err" | tail -20
		bad=$((bad + 1))
	fi
}

# same NAME A B
same() {
	if [ "$2" = "$3" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1: \"$2\" is not \"$3\""
		bad=$((bad + 1))
	fi
}

# until_true SECONDS COMMAND...: wait for a condition, with a deadline.
until_true() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" 2>/dev/null; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.02
	done
}

provider_ready() {
	grep -q 'ready' "$dir/cpnpd.log" ||
	    ! kill -0 "$provider_pid" 2>/dev/null
}

# provider_start [NAME=VALUE...]: with an environment of its own.
provider_start() {
	: >"$dir/cpnpd.log"
	env "$@" "$cpnpd" -c "$dir/cpnpd.conf" 2>>"$dir/cpnpd.log" &
	provider_pid=$!
	until_true 20 provider_ready
	if ! kill -0 "$provider_pid" 2>/dev/null; then
		wait "$provider_pid" 2>/dev/null
		provider_pid=
		cat "$dir/cpnpd.log" >>"$dir/all.log"
		return 1
	fi
}

provider_stop() {
	local code
	[ -n "$provider_pid" ] || return 0
	kill -TERM "$provider_pid" 2>/dev/null
	wait "$provider_pid"
	code=$?
	provider_pid=
	cat "$dir/cpnpd.log" >>"$dir/all.log"
	return $code
}

provider_kill() {
	kill -9 "$provider_pid" 2>/dev/null
	wait "$provider_pid" 2>/dev/null
	provider_pid=
	cat "$dir/cpnpd.log" >>"$dir/all.log"
}

customer() {
	"$cpnpc" --config "$dir/cpnpc.conf" "$@"
}

# Written into $dir by e2e_begin; short timers, so that tests of lost peers
# need not wait for people.
provider_config() {
	cat <<-CONF
		listen-dtls = {"127.0.0.1:$dtls_port", "[::1]:$dtls_port"}
		listen-udp = {"127.0.0.1:$udp_port", "[::1]:$udp_port"}
		certificate = "$dir/pki/server.pem"
		key = "$dir/pki/server.key"
		ca = "$dir/pki/ca.pem"
		store = "$dir/provider.db"
		catalogue = "${catalogue:-$examples/catalogue.xml}"
		timers {
			retrans-timer = "300 ms"
			resend-interval = "20 ms"
		}
		customer "customer.example" {
			require-statement = no
		}
		customer "other.example" {
		}
		customer "idle.example" {
			may-order = no
		}
		access "127.0.0.1" {
			identity = "customer.example"
		}
		access "::1" {
			identity = "customer.example"
		}
		access "127.1.0.0/16" {
			identity = "idle.example"
		}
	CONF
}

customer_config() {
	cat <<-CONF
		server = "127.0.0.1:$dtls_port"
		server-name = "provider.example"
		server-identity = "provider.example"
		identity = "customer.example"
		certificate = "$dir/pki/client.pem"
		key = "$dir/pki/client.key"
		ca = "$dir/pki/ca.pem"
		store = "$dir/customer.db"
		retransmit = "300 ms"
		repeat-min = "1 s"
		repeat-max = "2 s"
		wait = 30
	CONF
}
