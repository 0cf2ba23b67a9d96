# SPDX-License-Identifier: BSD-2-Clause
# What the benches share: a cpnpd of its own on loopback, without a limit that
# a test of speed could reach, and cpnp-load against it.  Source it.
#
# bench_begin BUILD-DIRECTORY makes $dir as e2e_begin does; $certified is what
# cpnp-load needs for DTLS and to sign.

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$bench/../e2e/lib.sh"

bench_begin() {
	catalogue=$bench/catalogue.xml
	e2e_begin "$1"
	bench_config
	certified=(--cert "$dir/pki/client.pem" --key "$dir/pki/client.key"
	    --ca "$dir/pki/ca.pem")
}

# The timers of real life, and no limits.
bench_config() {
	{
		sed -e 's/customer "customer.example" {/&\n\tmax-held-capacity = "1000 Tbit\/s"\n\tmax-open-orders = 10000000\n\torder-rate = 10000000\n\torder-burst = 10000000\n\tmax-memory = \"1000 TB\"/' \
		    -e '/^access /a\\trate = 10000000' \
		    -e '/timers {/,/}/d' "$dir/cpnpd.conf"
		printf 'limits {\n\tmax-memory = "1000 TB"\n}\n'
		printf 'log {\n\tdestination = "stderr"\n\tlevel = "info"\n}\n'
	} >"$dir/load.conf"
	mv "$dir/load.conf" "$dir/cpnpd.conf"
}

# bench_load MODE OPTION...: run cpnp-load in a mode.  "each": every ACCEPT has
# a signature of its own; else those that are ready together share one.
bench_load() {
	local mode=$1
	shift
	case $mode in
	udp*)	set -- --udp --server "127.0.0.1:$udp_port" \
		    --identity customer.example "$@" ;;
	dtls*)	set -- --server "127.0.0.1:$dtls_port" "${certified[@]}" "$@" ;;
	esac
	case $mode in
	udp-each)	set -- "${certified[@]}" --sign-each "$@" ;;
	udp-signed)	set -- "${certified[@]}" --sign "$@" ;;
	dtls-each)	set -- --sign-each "$@" ;;
	dtls-signed)	set -- --sign "$@" ;;
	esac
	"$build/tests/bench/cpnp-load" --server-name provider.example \
	    --document "$bench/load.xml" "$@"
}
