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

at() { # PARTY WORD...: cpnp-ledger as this party
	local party=$1
	shift
	"$ledger" "$@" --config "$dir/$party.conf"
}

# An embedded ledger, at which the customer has more tokens than it can spend.
# $dir/cpnpd.conf anchors the journal there, $dir/paid.conf is paid too.
bench_ledger() {
	local party
	for party in bank customer provider; do
		"$ledger" key generate "$dir/$party.key" &&
		    "$ledger" key public "$dir/$party.key" -o "$dir/$party.pub" ||
		    return
		cat >"$dir/$party.conf" <<-CONF
			genesis = "genesis"
			store = "$party.ledger"
			backend = "sqlite"
			setting = {"path = $dir/log.db", "writer = $party"}
			account = "$party"
			key-file = "$party.key"
			tick = 1
		CONF
	done
	at provider init --name bench \
	    --member "provider:operator,maintainer,provider:$dir/provider.pub" \
	    --member "bank:issuer:$dir/bank.pub" --token bank:EUR:3 \
	    --member "customer:customer:$dir/customer.pub" &&
	    at bank mint customer "1000000000.000 EUR" || return
	mkdir "$dir/begun" && cp "$dir"/log.db* "$dir/begun" || return
	printf 'ledger {\n\tconf = "%s"\n}\n' "$dir/provider.conf" \
	    >>"$dir/cpnpd.conf"
	sed 's/customer "customer.example" {/&\n\taccount = "customer"/' \
	    "$dir/cpnpd.conf" >"$dir/paid.conf"
	cp "$dir/cpnpd.conf" "$dir/unpaid.conf"
}

# bench_fresh MODE: a cpnpd without orders, and the ledger as it began
bench_fresh() {
	rm -f "$dir"/provider.db* "$dir"/log.db* "$dir"/*.ledger*
	cp "$dir"/begun/log.db* "$dir" || return
	case $1 in
	*-paid)	cp "$dir/paid.conf" "$dir/cpnpd.conf" ;;
	*)	cp "$dir/unpaid.conf" "$dir/cpnpd.conf" ;;
	esac
	provider_start
}

# bench_load MODE OPTION...: run cpnp-load in a mode.  "each": every ACCEPT has
# a signature of its own; "paid": that, and pays; "signed": those that are
# ready together share one.
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
	udp-paid)	set -- "${certified[@]}" --sign-each \
			    --pay "$dir/customer.conf" "$@" ;;
	dtls-paid)	set -- --sign-each --pay "$dir/customer.conf" "$@" ;;
	esac
	"$build/tests/bench/cpnp-load" --server-name provider.example \
	    --document "$bench/load.xml" "$@"
}
